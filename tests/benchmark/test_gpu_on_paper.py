import pytest

from benchmarks import gpu_compile, gpu_on_paper
from benchmarks.gpu_compile import CARDS, Kernel, NoCompiler, OnPaper
from benchmarks.gpu_listing import Code, Launches
from benchmarks.gpu_on_paper import Row, document
from benchmarks.gpu_programs import MODES, PROGRAMS


def _fails(words: list[str], capsys) -> str:
    with pytest.raises(SystemExit) as raised:
        gpu_on_paper.main(words)
    assert raised.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--card", "h101"], "invalid choice: 'h101'"),
        (["--case", "nothing"], "invalid choice: 'nothing'"),
        (["--mode", "hessian"], "invalid choice: 'hessian'"),
        (["--out", "gpu.txt"], "--out gpu.txt: must end in .md or .json"),
    ],
)
def test_what_is_unknown_is_named(words, said, capsys):
    assert said in _fails(words, capsys)


def test_without_the_plug_in_it_says_what_to_install(monkeypatch, capsys):
    def missing(name: str) -> str:
        raise gpu_compile.PackageNotFoundError(name)

    monkeypatch.setattr(gpu_compile, "version", missing)
    said = _fails([], capsys)
    assert "no CUDA plug-in" in said
    assert "pip install 'jax[cuda13]' nvidia-cuda-nvdisasm" in said


def test_without_the_assembler_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_compile.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(gpu_compile, "which", lambda name: None)
    with pytest.raises(NoCompiler, match="there is no ptxas: pip install"):
        gpu_compile.tool("ptxas")


def test_there_is_a_program_by_samples_and_by_spots():
    assert "samples" in PROGRAMS or "samples-xla" in PROGRAMS
    assert {"rotation", "pink"} <= PROGRAMS.keys()


def test_tables():
    kernel = Kernel("loop_add_fusion", 8, 1024, Code(32, 4, 500, 20))
    found = Launches(device=2400, host=16)
    found.waits["a conditional (2 or 1 launches)"] = 8
    row = Row(next(iter(CARDS)), "rotation", MODES[2], 8, OnPaper(found, 36_400_000, [kernel]))
    text = document([row], {"jax": "0.10.2"})
    assert "jax 0.10.2." in text
    waits = "a conditional (2 or 1 launches) × 8"
    assert f"| rotation | batch | h100 | 2,400 (300) | 16 (2) | {waits} | 36 |" in text
    assert "| rotation | batch | h100 | `loop_add_fusion` | 8 | 1,024 | 32 | 4 | 500 | 20 |" in text
