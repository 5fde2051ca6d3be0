"""Seeds: what is random and was given none takes a fresh one, which is said so that it can be given again."""

import secrets
from dataclasses import replace

from jaxbragg.cli.build.notes import Notes
from jaxbragg.cli.scanner import Scanned


def fresh_seed() -> int:
    """A seed from the system's entropy: 1 … 2³¹ − 2, those that the C program's generator tells apart."""
    return 1 + secrets.randbelow(2**31 - 2)


def with_seeds(scanned: Scanned, notes: Notes) -> Scanned:
    """The flags, with a fresh -seed where something random would be computed without a seed.

    One seed serves the noise and, as in the C program, a random misset without a seed of its own. Mosaic domains keep
    the C program's fixed seed: every image of a crystal has these.

    Args:
        scanned: Flags.
        notes: For the log.
    """
    if "seed" in scanned:
        return scanned
    uses = []
    if scanned.values.get("misset") == "random" and "misset_seed" not in scanned:
        uses.append("orientation")
    if ("noisefile" in scanned and "nonoise" not in scanned) or "counts" in scanned:
        uses.append("noise")
    if not uses:
        return scanned
    seed = fresh_seed()
    notes.say(f"-seed {seed}, drawn from the system's entropy; give it to have this {' and '.join(uses)} again")
    return replace(scanned, values={**scanned.values, "seed": seed}, order=["seed", *scanned.order])


def seed_of_misset(scanned: Scanned) -> int | None:
    """The seed of `-misset random`, its own or else that of the noise; None where the misset is not random."""
    if scanned.values.get("misset") != "random":
        return None
    own = scanned.whole("misset_seed")
    return scanned.whole("seed") if own is None else own


def header_of_chance(scanned: Scanned, adc: float, *, noise: bool) -> dict[str, str]:
    """What an SMV image's header says beside the C program's keys: the offset in it, and the seeds.

    Args:
        scanned: Flags, seeds filled in.
        adc: The offset that was added to each pixel.
        noise: Whether the image holds photon noise.
    """
    fields = {"ADC_OFFSET": f"{adc:.15g}"}
    if noise:
        fields["SEED"] = str(scanned.whole("seed"))
    misset = seed_of_misset(scanned)
    return fields if misset is None else {**fields, "MISSET_SEED": str(misset)}
