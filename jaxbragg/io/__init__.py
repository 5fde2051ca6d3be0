"""Readers and writers, one module per file format, and one door to whatever holds an image.

Nothing here simulates, and numpy is all that it imports at once: it is there in milliseconds. Whatever is wrong with a
file is raised as `FileError`; whatever is written is written whole or not at all.
"""

from jaxbragg.io.atomic import check_writable as check_writable
from jaxbragg.io.atomic import make_folder as make_folder
from jaxbragg.io.atomic import together as together
from jaxbragg.io.atomic import write_atomically as write_atomically
from jaxbragg.io.dump import read_dump as read_dump
from jaxbragg.io.dump import write_dump as write_dump
from jaxbragg.io.errors import FileError as FileError
from jaxbragg.io.hkl import read_hkl as read_hkl
from jaxbragg.io.hkl import write_hkl as write_hkl
from jaxbragg.io.images import StoredImage as StoredImage
from jaxbragg.io.images import read_image as read_image
from jaxbragg.io.images import read_mask as read_mask
from jaxbragg.io.matrix import read_matrix as read_matrix
from jaxbragg.io.npy import read_npy as read_npy
from jaxbragg.io.npy import read_npz as read_npz
from jaxbragg.io.pgm import read_pgm as read_pgm
from jaxbragg.io.pgm import write_pgm as write_pgm
from jaxbragg.io.png import write_png as write_png
from jaxbragg.io.raw import read_float_image as read_float_image
from jaxbragg.io.raw import write_float_image as write_float_image
from jaxbragg.io.smv import number as number
from jaxbragg.io.smv import read_smv as read_smv
from jaxbragg.io.smv import read_smv_header as read_smv_header
from jaxbragg.io.smv import smv_header_bytes as smv_header_bytes
from jaxbragg.io.smv import write_smv as write_smv
from jaxbragg.io.sources import read_sources as read_sources
from jaxbragg.io.stol import read_stol as read_stol
from jaxbragg.io.trace_text import Trace as Trace
from jaxbragg.io.trace_text import read_traces as read_traces
