"""`jaxbragg batch`: a plan's file, and its shots in a folder."""
