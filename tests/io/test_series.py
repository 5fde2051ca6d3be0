"""What is written of a series in numbered files: read back, compared, and refused where it is something else."""

import pytest

from jaxbragg.io import FileError
from jaxbragg.io.series import Series, path_of, read_series


def test_it_is_beside_the_images():
    assert path_of("here/im_####.cbf") == "here/im.cbf.json"
    assert path_of("im_##.img") == "im.img.json"


def test_it_is_read_back(tmp_path):
    path = str(tmp_path / "im.cbf.json")
    assert read_series(path) is None
    series = Series(path, "abc", {"-lambda": "1.0"}, {4})
    series.add(0, 2)
    found = read_series(path)
    assert found == Series(path, "abc", {"-lambda": "1.0"}, {0, 2, 4})
    found.check_same(series)


def test_what_differs_is_named():
    old = Series("x.json", "a", {"-lambda": "1.0", "-phi": "3", "-N": "5", "-osc": "1"}, set())
    cases = (({"-lambda": "2.0"}, "-lambda was 1.0 and is 2.0, -phi was 3 and is not given, .* and 1 more"),
             (old.flags, "what a file holds that flags name, or the program, has changed"))  # fmt: skip
    for flags, message in cases:
        with pytest.raises(FileError, match=message):
            old.check_same(Series("x.json", "b", flags, set()))


@pytest.mark.parametrize(
    "content", ["", "[]", "nothing", '{"fingerprint": "a"}', '{"fingerprint": "a", "flags": {}, "images": ["x"]}',
                '{"fingerprint": "a", "flags": [], "images": []}', "[" * 100000],
)  # fmt: skip
def test_what_is_something_else_is_named(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(FileError, match=r"expected what a series of images is of.*remove it"):
        read_series(str(path))
