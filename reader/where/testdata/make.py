"""Writes columns.json and conditions.tsv: random conditions and the rows that numexpr 2.14 selects by them.

    python make.py            (numpy, numexpr; seeded: the same files every time)

A line of conditions.tsv is the packed bits of the answer in hexadecimal (row 0 in the lowest bit), or `error`, a tab
and the condition. Each condition is evaluated in a process of its own, since numexpr divides 1 by integer bases of
negative powers and dies of a zero.
"""

import ast
import json
import os
import random
import re
import struct
import warnings

import numexpr
import numpy as np

ROWS, CONDITIONS = 72, 7000
HERE = os.path.dirname(os.path.abspath(__file__))
rng = random.Random(20260101)


def pick(special, make):
    return [rng.choice(special) if rng.random() < 0.4 else make() for _ in range(ROWS)]


TEXTS = [b"", b"a", b"mu", b"muon", b"e", b"electron", "é".encode(), "日本".encode(), b"a\0b", b"Mu", b"~", b"z" * 9]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, 1e10, -3.75, float("inf"), float("-inf"), float("nan"), 100.0, 0.1]
COLUMNS = {
    "b": np.array(pick([True], lambda: rng.random() < 0.5)),
    "flag": np.array(pick([False], lambda: rng.random() < 0.5)),
    "i": np.array(pick([0, 1, -1, 2**31 - 1, -2**31, 7], lambda: rng.randrange(-1000, 1000)), "i4"),
    "small": np.array(pick([0, 1], lambda: rng.randrange(-5, 6)), "i4"),
    "n": np.array(pick([3], lambda: rng.randrange(1, 9)), "i4"),
    "l": np.array(pick([0, 1, -1, 2**63 - 1, -2**63, 2**53 + 1], lambda: rng.randrange(-10**6, 10**6)), "i8"),
    "m": np.array(pick([0, 5], lambda: rng.randrange(-9, 10)), "i8"),
    "f": np.array(pick(FLOATS, lambda: rng.gauss(0, 10)), "f4"),
    "g": np.array(pick([1.0], lambda: rng.random()), "f4"),
    "d": np.array(pick(FLOATS, lambda: rng.gauss(0, 10)), "f8"),
    "energy": np.array(pick([1.0], lambda: rng.random() * 20), "f8"),
    "c": np.array(pick([0, 1, 1j, 2 - 1j], lambda: complex(rng.gauss(0, 2), rng.gauss(0, 2))), "c16"),
    "s": np.array(pick(TEXTS, lambda: rng.choice(TEXTS))),
    "name": np.array(pick(TEXTS, lambda: rng.choice(TEXTS))),
    "pos/x": np.array(pick([0.0], lambda: rng.gauss(0, 3)), "f8"),
    "pos/y": np.array(pick([2], lambda: rng.randrange(-9, 10)), "i4"),
}
VARS = {"cut": 2.5, "count": 3, "word": "mu", "yes": True, "x": 0.25, "void": ""}


# ------------------------------------------------------------------------------------------ what is right

class Extras(ast.NodeTransformer):
    """and, or, not, in, is_null and text, said in numexpr's words."""

    def visit_Constant(self, node):
        return ast.Constant(node.value.encode()) if isinstance(node.value, str) else node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        op = {ast.And: ast.BitAnd, ast.Or: ast.BitOr}[type(node.op)]()
        left, *others = node.values
        for other in others:
            left = ast.BinOp(left, op, other)
        return left

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.op = ast.Invert()
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if len(node.ops) != 1:
            raise ValueError("chained")
        op, right = node.ops[0], node.comparators[0]
        if not isinstance(op, (ast.In, ast.NotIn)):
            return node
        if not isinstance(right, (ast.Tuple, ast.List)) or not right.elts:
            raise ValueError("in")
        equal = [ast.Compare(node.left, [ast.Eq()], [v]) for v in right.elts]
        joined = equal[0]
        for e in equal[1:]:
            joined = ast.BinOp(joined, ast.BitOr(), e)
        return ast.UnaryOp(ast.Invert(), joined) if isinstance(op, ast.NotIn) else joined

    def visit_Call(self, node):
        self.generic_visit(node)
        if node.func.id != "is_null":
            return node
        (x,) = node.args
        return ast.BinOp(ast.Compare(x, [ast.Eq()], [x]), ast.BitAnd(), ast.Constant(False))


def answer(text):
    scope = {k: v for k, v in COLUMNS.items()}
    scope.update({k: np.array(v.encode() if isinstance(v, str) else v) for k, v in VARS.items()})
    for path in ("pos/x", "pos/y"):
        plain = path.replace("/", "__")
        text = re.sub(rf"(?<![\w/]){path}(?![\w/])", plain, text)
        scope[plain] = COLUMNS[path]
    tree = Extras().visit(ast.parse(text.strip(), mode="eval"))
    out = numexpr.evaluate(ast.unparse(ast.fix_missing_locations(tree)), local_dict=scope, global_dict={}, sanitize=False)
    if out.dtype != bool:
        raise TypeError("no truth value")
    return np.broadcast_to(out, (ROWS,))


def line(text):
    """The answer by a child process; None if it died."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            result = np.packbits(answer(text), bitorder="little").tobytes().hex()
        except Exception:
            result = "error"
        os.write(w, result.encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        result = f.read()
    _, status = os.waitpid(pid, 0)
    return result if status == 0 else None


# ------------------------------------------------------------------------------------------- conditions

NUMBERS = [["i", "small", "n", "pos/y"], ["l", "m", "count"], ["f", "g"], ["d", "energy", "pos/x", "cut", "x"]]
LITERALS = ["0", "1", "2", "3", "7", "(-1)", "-5", "2147483648", "0x1f", "1_000", "0.5", "2.5", "1e3", ".25", "(-0.0)",
            "99999999999", "1e400", "10**20", "True", "12345678901234567890", "0b11", "3.", "abs(5)", "sqrt(4)"]
WORDS = ["b'mu'", "'mu'", "b''", "'é'", "word", "void", "b'e' b'l'", "'\\x61'", "\"Mu\"", "b'a\\x00b'", "r'~'", "b'z'"]
UNARY = "sin cos tan arcsin arccos arctan sinh cosh tanh log log1p log10 exp expm1 sqrt abs ceil floor".split()


def column():
    return rng.choice(rng.choice(NUMBERS))


def num(depth):
    r = rng.random()
    if depth <= 0 or r < 0.25:
        return column() if rng.random() < 0.65 else rng.choice(LITERALS)
    if r < 0.68:
        op = rng.choice(["+", "-", "*", "/", "%", "+", "-", "*", "//"])
        return f"({num(depth - 1)} {op} {num(depth - 1)})"
    if r < 0.76:
        power = rng.choice(["2", "3", "0.5", "-1", "-2.0", "1.5", "2.7", "0", "51", num(depth - 1)])
        return f"{rng.choice([column(), '(' + num(depth - 1) + ')'])} ** {power}"
    if r < 0.84:
        return f"{rng.choice(UNARY)}({num(depth - 1)})"
    if r < 0.87:
        return f"arctan2({num(depth - 1)}, {num(depth - 1)})"
    if r < 0.90:
        return f"where({truth(depth - 1)}, {num(depth - 1)}, {num(depth - 1)})"
    if r < 0.93:
        return f"{rng.choice(['real', 'imag'])}({cplx(depth - 1)})"
    if r < 0.96:
        return f"({num(depth - 1)} {rng.choice(['<<', '>>', '&', '|', '^'])} {num(depth - 1)})"
    return rng.choice(["-", "~", "+", "-"]) + num(depth - 1)


def cplx(depth):
    r = rng.random()
    if depth <= 0 or r < 0.4:
        return rng.choice(["c", "c", "1j", "(1+2j)", "c"])
    if r < 0.7:
        return f"({cplx(depth - 1)} {rng.choice('+-*/')} {rng.choice([cplx, num])(depth - 1)})"
    if r < 0.85:
        return f"{rng.choice(UNARY)}({cplx(depth - 1)})"
    if r < 0.93:
        return f"complex({num(depth - 1)}, {num(depth - 1)})"
    return f"{cplx(depth - 1)} ** {rng.choice(['2', '0.5', '3', '-1', 'c'])}"


def text():
    return rng.choice(["s", "name", "s", rng.choice(WORDS)])


COMPARE = ["<", "<=", ">", ">=", "==", "!="]


def leaf(depth):
    r = rng.random()
    if r < 0.10:
        return rng.choice(["b", "flag", "yes", "True", "False", "b", "flag"])
    if r < 0.72:
        return f"({num(depth)} {rng.choice(COMPARE)} {num(depth)})"
    if r < 0.80:
        return f"({text()} {rng.choice(COMPARE)} {text()})"
    if r < 0.83:
        return f"contains({text()}, {text()})"
    if r < 0.86:
        return f"({cplx(depth)} {rng.choice(['==', '!=', '==', '>'])} {cplx(depth)})"
    if r < 0.91:
        what, one = rng.choice([(num(1), column), (text(), text), (column(), lambda: rng.choice(LITERALS))])
        values = ", ".join(one() for _ in range(rng.randrange(1, 4))) + rng.choice(["", ","])
        return f"({what} {rng.choice(['in', 'not in'])} {rng.choice(['(%s)', '[%s]', '(%s)']) % values})"
    if r < 0.94:
        return f"is_null({rng.choice([column, text, lambda: 'c', lambda: 'b'])()})"
    if r < 0.97:
        return f"({rng.choice([text, column])()} {rng.choice(COMPARE)} {rng.choice([text, column, lambda: 'b'])()})"
    return num(depth)


def truth(depth):
    r = rng.random()
    if depth <= 0 or r < 0.5:
        return leaf(min(depth, 2))
    if r < 0.8:
        return f"{truth(depth - 1)} {rng.choice(['&', '|', '&', '|', '^', 'and', 'or', '==', '+', '*'])} {truth(depth - 1)}"
    if r < 0.9:
        return f"{rng.choice(['~', 'not '])}{truth(depth - 1)}"
    return f"({truth(depth - 1)})"


BY_HAND = """
d / 0.0 > 1|d / 0 > 1|i / 0.0 > 1|i % 0 == 0|l // 0 == 0|1 / 0 > i|True & b|b & True|5 & i == 1|(i & 5) == 1|2 // i == 1
i ** -1 > 1|i ** -1.0 > 0|i < 3 < 5|i = 3|i|True|False|1 < 2|1|~(1 < 2)|not True|s + s == s|s == 1|s < b''|s > b''|b'' < s
s < void|s > void|b > flag|b - flag|-b|b + flag|b * flag|b / flag > 0|c > 1|c == 1|abs(c) == 1|real(abs(c)) > 1
where(b, s, name) == s|where(True, i, s) > 1|where(small, 1, 2) == 1|i > 10**20|d > 10**20|f > 10**20|d > 10**400
f > 0.1|f == 0.1|f + 1 > 2|f + 0.1 > 2|i + 2147483647 < 0|l * l > 0|i * i > 0|2 ** n > 16|n ** n > 100|m ** n < 0
a > 1|pos / x > 1|pos/x > 1|2*pos/x > 1|pos/x/pos/y > 1|energy/x > 1|log10(1000) == 3|log10(n * 0 + 1000) == 3
sin(0) == 0|d == d|d != d|~(d > 0)|f % 3 == 0|-7 % n == 2|i >> 40 == -1|i << 33 == 0|b << b|abs(i) > 2**31 - 1
small in (1, 2, 3)|small in (1)|small in 1|small in (1,)|small not in [1, 2]|not small in (1,)|1 in (small, 2)|2 in (2, small)
is_null(d)|~is_null(s) & b|is_null(1)|b and small > 1 or flag|b and not flag|+b|b ** 1|b ** 2|b ** 0|f ** 2 > 1|f ** 2.7 > 1
sqrt(4) / 0 > d|abs(5) + i > 2**40|ceil(5) == 5|'a' < 'b'|b'a' == 'a'|'a' == 1|d > 1e999|d < -1e999|complex(d, 1) == c
complex(i, 1) == c|real(i) == i|imag(d) == 0|d ** 0.5 > 1|d ** 60 > 1|d ** -2 > 1|i ** 2.0 > 5|i ** 2.5 > 5
""".replace("\n", "|").split("|")


# NumPy computes a function of a truth value in half precision, and has unsigned constants: both are refused here.
UNLIKE = re.compile(r"[a-z]\((True|False|12345678901234567890)\)")


def main():
    warnings.simplefilter("ignore")
    numexpr.set_num_threads(1)
    done, lines = set(), []
    texts = [t for t in BY_HAND if t]
    while len(lines) < CONDITIONS:
        t = texts.pop(0) if texts else truth(rng.randrange(0, 4))
        if t in done or len(t) > 160 or UNLIKE.search(t):
            continue
        done.add(t)
        found = line(t)
        if found == "error" and len(done) > 500 and rng.random() < 0.6:
            continue
        if found is not None:
            lines.append(f"{found}\t{t}\n")
    with open(os.path.join(HERE, "conditions.tsv"), "w") as f:
        f.writelines(lines)
    pack = {"b": lambda v: int(v), "i": int, "f": lambda v: struct.unpack("<Q", struct.pack("<d", v))[0], "S": bytes.hex,
            "c": lambda v: [pack["f"](v.real), pack["f"](v.imag)]}
    out = {"rows": ROWS, "vars": VARS, "columns": [
        {"name": k, "dtype": "bytes" if v.dtype.kind == "S" else v.dtype.name, "values": [pack[v.dtype.kind](x) for x in v.tolist()]} for k, v in COLUMNS.items()]}
    with open(os.path.join(HERE, "columns.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
