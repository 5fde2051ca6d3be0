"""SMV images. The reference header is what nanoBragg.c wrote for
`-cell 100 100 100 90 90 90 -default_F 100 -lambda 6.2 -N 5 -distance 100 -detpixels 96 -pixel 1.0 -oversample 1`.
"""

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.smv import number, read_smv, read_smv_header, smv_header_bytes, write_smv

START = "{\nHEADER_BYTES=512;\nDIM=2;\nBYTE_ORDER=little_endian;\nTYPE=unsigned_short;\n"
FROM_C = (
    START + "SIZE1=96;\nSIZE2=96;\nPIXEL_SIZE=1;\nDISTANCE=100;\nWAVELENGTH=6.2;\nBEAM_CENTER_X=48.5;\n"
    "BEAM_CENTER_Y=48.5;\nADXV_CENTER_X=49;\nADXV_CENTER_Y=47;\nMOSFLM_CENTER_X=48.5;\nMOSFLM_CENTER_Y=48.5;\n"
    "DENZO_X_BEAM=49;\nDENZO_Y_BEAM=49;\nDIALS_ORIGIN=-49,49,-100\nXDS_ORGX=49.5;\nXDS_ORGY=49.5;\n"
    "CLOSE_DISTANCE=100;\nPHI=0;\nOSC_START=0;\nOSC_RANGE=0;\nTWOTHETA=0;\nDETECTOR_SN=000;\nBEAMLINE=fake;\n}\f"
)
FIELDS = {
    "SIZE1": number(96),
    "SIZE2": number(96),
    "PIXEL_SIZE": number(1.0),
    "DISTANCE": number(100.0),
    "WAVELENGTH": number(6.2),
    "BEAM_CENTER_X": number(48.5),
    "BEAM_CENTER_Y": number(48.5),
    "ADXV_CENTER_X": number(49.0),
    "ADXV_CENTER_Y": number(47.0),
    "MOSFLM_CENTER_X": number(48.5),
    "MOSFLM_CENTER_Y": number(48.5),
    "DENZO_X_BEAM": number(49.0),
    "DENZO_Y_BEAM": number(49.0),
    "DIALS_ORIGIN": "-49,49,-100",
    "XDS_ORGX": number(49.5),
    "XDS_ORGY": number(49.5),
    "CLOSE_DISTANCE": number(100.0),
    "PHI": number(0.0),
    "OSC_START": number(0.0),
    "OSC_RANGE": number(0.0),
    "TWOTHETA": number(0.0),
    "DETECTOR_SN": "000",
    "BEAMLINE": "fake",
}
IMAGE = (np.arange(96 * 96, dtype=np.uint16) * 7).reshape(96, 96)


def failure(path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_smv(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


def test_header_is_the_c_programs_to_the_byte():
    assert smv_header_bytes(FIELDS) == FROM_C.encode().ljust(512)


def test_written_file_is_header_and_little_endian_pixels(tmp_path):
    write_smv(tmp_path / "a_001.img", IMAGE, FIELDS)
    assert (tmp_path / "a_001.img").read_bytes() == FROM_C.encode().ljust(512) + IMAGE.astype("<u2").tobytes()


def test_round_trip_keeps_keys_whole(tmp_path):
    write_smv(tmp_path / "a_001.img", IMAGE, FIELDS)
    header, image = read_smv(tmp_path / "a_001.img")
    assert header == read_smv_header(tmp_path / "a_001.img")
    assert list(header)[:6] == ["HEADER_BYTES", "DIM", "BYTE_ORDER", "TYPE", "SIZE1", "SIZE2"]
    assert {key: header[key] for key in FIELDS} == FIELDS
    assert header["DISTANCE"] == "100"
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, IMAGE)
    write_smv(tmp_path / "b_001.img", IMAGE, header)  # a header that was read may be written again
    assert (tmp_path / "b_001.img").read_bytes() == (tmp_path / "a_001.img").read_bytes()


def test_shape_is_slow_fast_whatever_the_fields_say(tmp_path):
    image = np.arange(6, dtype=np.uint16).reshape(2, 3)
    write_smv(tmp_path / "a_001.img", image[:, ::1], {"SIZE2": "99", "PHI": "1"})
    header, back = read_smv(tmp_path / "a_001.img")
    assert (header["SIZE1"], header["SIZE2"]) == ("3", "2")
    assert list(header)[4:] == ["SIZE1", "SIZE2", "PHI"]
    np.testing.assert_array_equal(back, image)
    write_smv(tmp_path / "a_001.img", image.T, {})  # not contiguous
    np.testing.assert_array_equal(read_smv(tmp_path / "a_001.img")[1], image.T)


@pytest.mark.parametrize(("spare", "size"), [(0, 512), (-1, 1024), (-511, 1024)])
def test_header_grows_when_the_text_does(tmp_path, spare, size):
    value = "x" * (512 - len(START) - len("KEY=;\n}\f") - spare)
    header = smv_header_bytes({"KEY": value})
    assert len(header) == size
    assert header.startswith(b"{\nHEADER_BYTES=%d;\n" % size)
    assert header.rstrip(b" ").endswith(b";\n}\f")
    sizes = len("SIZE1=96;\nSIZE2=96;\n")
    write_smv(tmp_path / "a_001.img", IMAGE, {"KEY": value[sizes:]})
    assert (tmp_path / "a_001.img").read_bytes()[512:size] == header[512:]
    np.testing.assert_array_equal(read_smv(tmp_path / "a_001.img")[1], IMAGE)


def test_too_long_a_header_is_refused():
    with pytest.raises(ValueError, match="1024 bytes"):
        smv_header_bytes({"KEY": "x" * 1000})


@pytest.mark.parametrize(
    "fields", [{"A": "1;"}, {"A": "1\n2"}, {"A": "}"}, {"A B": "1"}, {"": "1"}, {"A": "Å"}, {"A=B": "1"}]
)
def test_fields_that_break_the_header_are_refused(fields):
    with pytest.raises(ValueError, match="Argument `fields`"):
        smv_header_bytes(fields)


@pytest.mark.parametrize("image", [np.zeros((2, 2)), np.zeros(4, np.uint16), np.zeros((1, 2, 2), np.uint16)])
def test_only_16_bit_planes_are_written(tmp_path, image):
    with pytest.raises(ValueError, match="must be uint16"):
        write_smv(tmp_path / "a_001.img", image, {})


def test_overflowing_header_of_the_c_program(tmp_path):
    text = FROM_C.replace("DISTANCE=100;\nWAVE", "DISTANCE=" + "1" * 90 + ";\nWAVE").encode()
    assert len(text) > 512  # no padding, and HEADER_BYTES still says 512
    (tmp_path / "c.img").write_bytes(text + IMAGE.astype("<u2").tobytes())
    header, image = read_smv(tmp_path / "c.img")
    assert header["HEADER_BYTES"] == "512"
    np.testing.assert_array_equal(image, IMAGE)
    short = text + IMAGE.astype("<u2").tobytes()[:-1]
    wanted = len(short) + 1
    reason = f"expected {wanted} bytes ({len(text)} of header, 96×96 pixels of 2 bytes), but found {wanted - 1}"
    assert failure(tmp_path / "c.img", short) == reason


@pytest.mark.parametrize(
    ("kind", "order", "dtype"),
    [
        ("unsigned_short", "big_endian", ">u2"),
        ("unsigned_long", "little_endian", "<u4"),
        ("long", "BIG_ENDIAN", ">i4"),
        ("signed_long", "little_endian", "<i4"),
        ("float", "big_endian", ">f4"),
    ],
)
def test_types_and_byte_orders(tmp_path, kind, order, dtype):
    text = f"{{\nHEADER_BYTES= 512;\nBYTE_ORDER={order};\nTYPE={kind};\nSIZE1=3;\nSIZE2=2;\n}}\n"
    pixels = np.array([[1, 2, 300], [4, 5, 60000]]).astype(dtype)
    (tmp_path / "a.img").write_bytes(text.encode().ljust(512) + pixels.tobytes())
    _, image = read_smv(tmp_path / "a.img")
    assert image.dtype == pixels.dtype.newbyteorder("=")
    assert image.dtype.isnative
    np.testing.assert_array_equal(image, pixels)


@pytest.mark.parametrize(
    ("key", "name", "dtype"),
    [
        ("TYPE", "signed_short", "<i2"),
        ("TYPE", "UNSIGNED_SHORT", "<u2"),
        ("Data_type", "signed char", "i1"),
        ("Data_type", "unsigned char", "u1"),
        ("Data_type", "short int", "<i2"),
        ("Data_type", "unsigned short int", "<u2"),
        ("Data_type", "long int", "<i4"),
        ("DATA_TYPE", "long int", "<i4"),
        ("Data_type", "unsigned long int", "<u4"),
        ("Data_type", "float IEEE", "<f4"),
    ],
)
def test_types_by_the_names_of_adsc_and_dtrek(tmp_path, key, name, dtype):
    """Names and sizes as in d*TREK's specification, version 1.1."""
    pixels = np.array([[1, 2, 100], [4, 5, 60]]).astype(dtype)
    text = f"{{\nHEADER_BYTES= 512;\n{key}= {name};\nSIZE1=3;\nSIZE2=2;\n}}\n"
    (tmp_path / "a.img").write_bytes(text.encode().ljust(512) + pixels.tobytes())
    _, image = read_smv(tmp_path / "a.img")
    assert image.dtype == pixels.dtype
    np.testing.assert_array_equal(image, pixels)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32])
def test_what_fabio_writes(tmp_path, dtype):
    fabio = pytest.importorskip("fabio.dtrekimage")
    pixels = np.array([[1, 2, 100], [4, 5, 60]]).astype(dtype)
    fabio.DtrekImage(data=pixels).write(str(tmp_path / "a.img"))
    _, image = read_smv(tmp_path / "a.img")
    assert image.dtype == dtype
    np.testing.assert_array_equal(image, pixels)


def test_type_and_order_have_defaults(tmp_path):
    text = b"{\nHEADER_BYTES=512;\nSIZE1=2;\nSIZE2=1;\n}\f"
    (tmp_path / "a.img").write_bytes(text.ljust(512) + b"\1\0\2\0")
    assert read_smv(tmp_path / "a.img")[1].tolist() == [[1, 2]]
    wanted = "expected 516 bytes (512 of header, 1×2 pixels of 2 bytes), but found 520"
    hint = "; TYPE and Data_type, which say what a pixel is, are missing"
    assert failure(tmp_path / "a.img", text.ljust(512) + bytes(8)) == wanted + hint


@pytest.mark.parametrize("more", [b"\0", b"tail", bytes(512)])
def test_a_file_longer_than_its_header_says(tmp_path, more):
    whole = smv_header_bytes({"SIZE1": "3", "SIZE2": "2"}) + bytes(12) + more
    reason = f"expected 524 bytes (512 of header, 2×3 pixels of 2 bytes), but found {524 + len(more)}"
    assert failure(tmp_path / "a.img", whole) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("COMPRESSION=TY6", "expected uncompressed pixels, but found COMPRESSION=TY6"),
        ("Compression= BYTE_OFFSET", "expected uncompressed pixels, but found Compression=BYTE_OFFSET"),
        ("RAXIS_COMPRESSION_RATIO=8", "expected uncompressed pixels, but found RAXIS_COMPRESSION_RATIO=8"),
        ("Data_type=Compressed", "expected uncompressed pixels, but found Data_type=Compressed"),
        (
            "TYPE=unsigned_short;\nData_type=long int",
            "expected one type of pixels, but found TYPE=unsigned_short and Data_type=long int",
        ),
        ("DIM=3", "expected an image with DIM=2, but found '3'"),
        ("SIZE1=1_0", "expected SIZE1 to be a positive integer, but found '1_0'"),
    ],
)
def test_headers_of_what_is_not_read(tmp_path, line, reason):
    text = f"{{\nHEADER_BYTES= 512;\nSIZE1=3;\nSIZE2=2;\n{line};\n}}\n"
    assert failure(tmp_path / "a.img", text.encode().ljust(512) + bytes(12)) == reason


def test_no_compression_is_none(tmp_path):
    text = b"{\nHEADER_BYTES=512;\nCOMPRESSION=None;\nTYPE=long;\nSIZE1=2;\nSIZE2=1;\n}\n"
    (tmp_path / "a.img").write_bytes(text.ljust(512) + b"\1\0\0\0\2\0\0\0")
    assert read_smv(tmp_path / "a.img")[1].tolist() == [[1, 2]]


def test_braces_inside_values_are_kept(tmp_path):
    """As Rigaku writes them: HEADER_BYTES, not the first brace, says where the header ends."""
    text = (
        "{\nHEADER_BYTES= 1024;\nNAMES={ Z; X Y };\nTYPE=unsigned_short;\nODD=a}b{c;\nSIZE1=3;\nSIZE2=2;\n"
        "DETECTOR_NAMES={ CCD_ };\nDISTANCE=45.0;\n}\n"
    )
    pixels = np.arange(6, dtype="<u2").reshape(2, 3)
    (tmp_path / "a.img").write_bytes(text.encode().ljust(1024) + pixels.tobytes())
    header, image = read_smv(tmp_path / "a.img")
    np.testing.assert_array_equal(image, pixels)
    assert header == read_smv_header(tmp_path / "a.img")
    assert (header["NAMES"], header["ODD"]) == ("{ Z; X Y }", "a}b{c")
    assert (header["DETECTOR_NAMES"], header["DISTANCE"]) == ("{ CCD_ }", "45.0")


def test_a_first_pixel_like_a_form_feed(tmp_path):
    """12 is the byte that the C program writes after the brace; here the brace is the header's last byte."""
    text = "{\nHEADER_BYTES=512;\nTYPE=unsigned_short;\nSIZE1=1;\nSIZE2=1;\nLONG="
    text = text.ljust(509, "x") + ";\n}"
    (tmp_path / "a.img").write_bytes(text.encode() + b"\x0c\0")
    assert read_smv(tmp_path / "a.img")[1].tolist() == [[12]]


def test_a_header_that_claims_more_than_any_machine_holds(tmp_path):
    text = "{\nHEADER_BYTES=512;\nTYPE=unsigned_short;\nSIZE1=999999999;\nSIZE2=999999999;\n}\n"
    assert failure(tmp_path / "a.img", text.encode().ljust(512)).endswith("but found 512")


def test_broken_files(tmp_path):
    whole = smv_header_bytes({"SIZE1": "3", "SIZE2": "2"}) + bytes(12)
    path = tmp_path / "a.img"
    cut = "expected 524 bytes (512 of header, 2×3 pixels of 2 bytes), but found {}"
    assert failure(path, whole[:-1]) == cut.format(523)
    assert failure(path, whole[:200]) == cut.format(200)
    assert failure(path, whole[:40]) == "expected an SMV header, but its closing '}' is missing"
    assert failure(path, b"") == "the file is empty"
    assert failure(path, b"P5\n1 1\n255\n0") == "expected an SMV header, '{' first, but found 'P5\\n1 1\\n2'"
    assert (
        failure(path, whole.replace(b"SIZE1=3", b"SIZE1=x")) == "expected SIZE1 to be a positive integer, but found 'x'"
    )
    assert (
        failure(path, whole.replace(b"SIZE1=3", b"SIZE1=0")) == "expected SIZE1 to be a positive integer, but found '0'"
    )
    # a longer key that ends in the same letters does not count
    assert (
        failure(path, whole.replace(b"SIZE2=2;", b"XSIZE2=2"))
        == "expected the key SIZE2 in the header, but it is missing"
    )
    assert failure(path, whole.replace(b"=unsigned_short;", b"=double;")) == (
        "expected TYPE to be one of char, unsigned char, short, unsigned short, long, unsigned long, float, "
        "float ieee, but found 'double'"
    )
    assert failure(path, whole.replace(b"=little_endian", b"=middle")) == (
        "expected BYTE_ORDER to be one of little_endian, big_endian, but found 'middle'"
    )


@pytest.mark.parametrize("read", [read_smv, read_smv_header])
def test_missing_file_and_folder(tmp_path, read):
    with pytest.raises(FileError, match="no such file"):
        read(tmp_path / "none.img")
    with pytest.raises(FileError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.1, "0.1"), (123.456789, "123.457"), (1e-5, "1e-05"), (1234567.0, "1.23457e+06"), (-0.0, "-0")],
)
def test_number_is_percent_g(value, text):
    assert number(value) == text


@pytest.mark.parametrize("extra", [{}, {"LONG": "x" * 200}])
def test_fabio_reads_it(tmp_path, extra):
    fabio = pytest.importorskip("fabio")
    write_smv(tmp_path / "a_001.img", IMAGE, FIELDS | extra)
    with fabio.open(str(tmp_path / "a_001.img")) as frame:
        np.testing.assert_array_equal(frame.data, IMAGE)
        assert frame.header["WAVELENGTH"] == "6.2"
