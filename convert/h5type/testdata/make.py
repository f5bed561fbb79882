"""Writes types.txt: one datatype per line, `hex of the message TAB the text String must give`.

The messages are what libhdf5 writes (h5py's TypeID.encode without its first two bytes), the texts are put down by
hand here. Needs h5py >= 3.16 with HDF5 >= 2.0; there is nothing random in it.

    python make.py > types.txt
"""

import h5py
from h5py import h5t

I32, F32, F64 = h5t.STD_I32LE, h5t.IEEE_F32LE, h5t.IEEE_F64LE


def string(size, pad, cset=h5t.CSET_ASCII):
    t = h5t.C_S1.copy()
    t.set_size(size)
    t.set_strpad(pad)
    t.set_cset(cset)
    return t


def sized(t, prec, offset):
    t = t.copy()
    t.set_precision(prec)
    t.set_offset(offset)
    return t


def opaque(size, tag):
    t = h5t.create(h5t.OPAQUE, size)
    t.set_tag(tag)
    return t


def compound(size, *members):
    t = h5t.create(h5t.COMPOUND, size)
    for name, offset, member in members:
        t.insert(name, offset, member)
    return t


def enum(base, **values):
    t = h5t.enum_create(base)
    for name, value in values.items():
        t.enum_insert(name.encode(), value)
    return t


def newest(t):
    """The message that the newest file version keeps: compounds, enumerations and arrays in version 3 and later."""
    with h5py.File("memory", "w", driver="core", backing_store=False, libver="latest") as f:
        t = t.copy()
        t.commit(f.id, b"t")
        return h5t.open(f.id, b"t").encode()[2:]


NESTED = compound(40, (b"a", 0, h5t.STD_U8LE), (b"in", 8, compound(16, (b"x", 0, F64), (b"y", 8, h5t.IEEE_F64BE))),
                  (b"m", 24, h5t.array_create(h5t.STD_I16BE, (2, 3))))
ROW = compound(20, (b"row", 0, h5t.STD_U32LE), (b"name", 4, string(16, h5t.STR_NULLPAD, h5t.CSET_UTF8)))
BIG = compound(70000, (b"s", 0, string(69992, h5t.STR_SPACEPAD)), (b"last", 69992, F64))

TYPES = [
    (h5t.STD_I8LE, "i8le"), (h5t.STD_U16BE, "u16be"), (I32, "i32le"), (h5t.STD_U64BE, "u64be"),
    (sized(I32, 17, 0), "i32le/prec17"), (sized(h5t.STD_U32BE, 12, 3), "u32be/prec12/off3"),
    (h5t.STD_I64BE, "i64be"),
    (h5t.IEEE_F16LE, "f16le"), (F32, "f32le"), (h5t.IEEE_F64BE, "f64be"),
    (h5t.NATIVE_LDOUBLE, "f128le/prec80/off0/fields(79,64,15,0,64)/bias16383/norm0"),
    (h5t.UNIX_D32LE, "time32le"), (h5t.UNIX_D64BE, "time64be"),
    (string(5, h5t.STR_NULLTERM), "str(5,nullterm,ascii)"), (string(1, h5t.STR_SPACEPAD), "str(1,spacepad,ascii)"),
    (string(16, h5t.STR_NULLPAD, h5t.CSET_UTF8), "str(16,nullpad,utf8)"),
    (h5t.STD_B8LE, "bits8le"), (h5t.STD_B32BE, "bits32be"),
    (opaque(8, b"NUMPY:<M8[s]"), "opaque(8,'NUMPY:<M8[s]')"), (opaque(3, b""), "opaque(3,'')"),
    (opaque(1, b"it's"), """opaque(1,'"it's"')"""),
    (ROW, "compound(20){row@0:u32le;name@4:str(16,nullpad,utf8)}"),
    (NESTED, "compound(40){a@0:u8le;in@8:compound(16){x@0:f64le;y@8:f64be};m@24:array[2,3]<i16be>}"),
    (compound(16, (b"b", 8, F64), (b"a", 0, I32)), "compound(16){b@8:f64le;a@0:i32le}"),
    (compound(4, (b"a;b", 0, h5t.STD_I8LE), (b"\xff", 1, h5t.STD_I8LE), (b"\xc3\xa9 e", 2, h5t.STD_I8LE)),
     'compound(4){"a;b"@0:i8le;"\\xff"@1:i8le;\u00e9 e@2:i8le}'),
    (BIG, "compound(70000){s@0:str(69992,spacepad,ascii);last@69992:f64le}"),
    (compound(8, (b"r", 0, F32), (b"i", 4, F32)), "compound(8){r@0:f32le;i@4:f32le}"),
    (h5t.STD_REF_OBJ, "objref"), (h5t.STD_REF_DSETREG, "regref"),
    (enum(h5t.STD_I8LE, FALSE=0, TRUE=1), "enum<i8le>{FALSE=0,TRUE=1}"),
    (enum(h5t.STD_I16BE, a=-3, bcdefghi=300), "enum<i16be>{a=-3,bcdefghi=300}"),
    (enum(h5t.STD_U8LE, x=255), "enum<u8le>{x=255}"), (enum(I32), "enum<i32le>{}"),
    (h5t.vlen_create(I32), "vlen<i32le>"), (h5t.vlen_create(h5t.vlen_create(F64)), "vlen<vlen<f64le>>"),
    (string(h5t.VARIABLE, h5t.STR_NULLTERM, h5t.CSET_UTF8), "vlstr(nullterm,utf8)"),
    (string(h5t.VARIABLE, h5t.STR_SPACEPAD), "vlstr(spacepad,ascii)"),
    (h5t.array_create(I32, (3,)), "array[3]<i32le>"),
    (h5t.array_create(h5t.array_create(F64, (4, 5)), (2,)), "array[2]<array[4,5]<f64le>>"),
    (h5t.COMPLEX_IEEE_F32LE, "complex<f32le>"), (h5t.COMPLEX_IEEE_F64BE, "complex<f64be>"),
    (compound(24, (b"z", 8, h5t.COMPLEX_IEEE_F64LE)), "compound(24){z@8:complex<f64le>}"),
]

for t, text in TYPES:
    print(t.encode()[2:].hex(), text, sep="\t")
for t, text in TYPES:
    if t.get_class() in (h5t.COMPOUND, h5t.ENUM, h5t.ARRAY, h5t.VLEN) and not text.endswith("{}"):
        print(newest(t).hex(), text, sep="\t")
