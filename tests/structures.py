"""Structures made here, for the tests of what is computed from them."""

import gemmi
import numpy as np


def made_up_structure(count: int = 60, group: str = "P 43 21 2", cell=(40, 40, 55, 90, 90, 90), seed: int = 0):
    """Atoms of C, N, O and some Se anywhere in the asymmetric unit, B from 8 to 40 Å²."""
    rng = np.random.default_rng(seed)
    structure = gemmi.Structure()
    structure.cell = gemmi.UnitCell(*cell)
    structure.spacegroup_hm = group
    chain = gemmi.Chain("A")
    for i in range(count):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "GLY", gemmi.SeqId(i + 1, " ")
        atom = gemmi.Atom()
        atom.name, atom.element = "X", gemmi.Element("Se" if i % 20 == 0 else "CNO"[i % 3])
        atom.pos = structure.cell.orthogonalize(gemmi.Fractional(*rng.random(3)))
        atom.b_iso, atom.occ = float(rng.uniform(8, 40)), float(rng.uniform(0.3, 1.0))
        residue.add_atom(atom)
        chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_cell_images()
    return structure


def packed_structure(group: str = "P 21 21 21", cell=(40, 42, 55, 90, 90, 90), seed: int = 0):
    """Atoms of C, N and O as densely packed as in a protein, in a ball of 8 Å: there is solvent between the balls."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*[np.arange(-7.2, 8, 2.4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    places = places[(places**2).sum(axis=1) < 64]
    places += rng.uniform(-0.4, 0.4, places.shape) + np.array([20, 14, 9])
    structure = made_up_structure(len(places), group, cell, seed)
    for i, (place, site) in enumerate(zip(places, structure[0].all(), strict=True)):
        site.atom.pos, site.atom.occ = gemmi.Position(*place), 1.0
        site.atom.element = gemmi.Element("CNO"[i % 3])
    return structure


def direct_sum(structure, hkl, dispersion=None):
    """F of each index [n, 3]: the sum over all atoms of the cell, with gemmi's four Gaussians of each element."""
    total = np.zeros(len(hkl), complex)
    operations = [
        (np.array(op.rot) / op.DEN, np.array(op.tran) / op.DEN) for op in structure.find_spacegroup().operations()
    ]
    inverse_d2 = structure.cell.calculate_1_d2_array(np.ascontiguousarray(hkl, np.int32))
    for site in structure[0].all():
        atom = site.atom
        x = np.array(structure.cell.fractionalize(atom.pos).tolist())
        gaussians = atom.element.it92.get_coefs()
        f = gaussians[8] + sum(
            a * np.exp(-b * inverse_d2 / 4) for a, b in zip(gaussians[:4], gaussians[4:8], strict=True)
        )
        f = f + complex(*(dispersion or {}).get(atom.element.name, (0.0, 0.0)))
        f = f * atom.occ * np.exp(-atom.b_iso * inverse_d2 / 4)
        for rotation, translation in operations:
            total += f * np.exp(2j * np.pi * (hkl @ (rotation @ x + translation)))
    return total
