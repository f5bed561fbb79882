package where

import (
	"math/big"
	"slices"
	"strings"
)

// Kind is the type of a column, a variable or an intermediate result. Columns of other types are widened as numexpr
// does: integers of 8 and 16 bits to Int32, uint32 to Int64, float16 to Float32, complex64 to Complex128. Uint64 is not
// numexpr's: see unsigned.go.
type Kind uint8

// The kinds, in the order of promotion. A column of kind None cannot stand in a condition.
const (
	None Kind = iota
	Bool
	Int32
	Int64
	Float32
	Float64
	Complex128
	Bytes
	Uint64
)

func (k Kind) String() string {
	return [...]string{"none", "bool", "int32", "int64", "float32", "float64", "complex128", "bytes", "uint64"}[k]
}

const kindLetters = "?bilfdcsu"

// operations are numexpr's: name, result and operands by the letters of kindLetters. The last lines are ours.
var operations = setOf(`
	invert_bb and_bbb or_bbb xor_bbb eq_bbb ne_bbb where_bbbb
	gt_bii ge_bii eq_bii ne_bii gt_bll ge_bll eq_bll ne_bll gt_bff ge_bff eq_bff ne_bff gt_bdd ge_bdd eq_bdd ne_bdd
	gt_bss ge_bss eq_bss ne_bss contains_bss eq_bcc ne_bcc
	cast_ib ones_like_ii neg_ii add_iii sub_iii mul_iii pow_iii mod_iii floordiv_iii lshift_iii rshift_iii where_ibii
	invert_ii and_iii or_iii xor_iii
	cast_li ones_like_ll neg_ll add_lll sub_lll mul_lll pow_lll mod_lll floordiv_lll lshift_lll rshift_lll where_lbll
	invert_ll and_lll or_lll xor_lll
	cast_fi cast_fl ones_like_ff neg_ff add_fff sub_fff mul_fff div_fff pow_fff mod_fff floordiv_fff where_fbff
	cast_di cast_dl cast_df ones_like_dd neg_dd add_ddd sub_ddd mul_ddd div_ddd pow_ddd mod_ddd floordiv_ddd where_dbdd
	cast_ci cast_cl cast_cf cast_cd ones_like_cc neg_cc add_ccc sub_ccc mul_ccc div_ccc pow_ccc where_cbcc
	real_dc imag_dc complex_cdd
	sqrt_ff sin_ff cos_ff tan_ff arcsin_ff arccos_ff arctan_ff sinh_ff cosh_ff tanh_ff log_ff log1p_ff log10_ff exp_ff
	expm1_ff abs_ff ceil_ff floor_ff arctan2_fff
	sqrt_dd sin_dd cos_dd tan_dd arcsin_dd arccos_dd arctan_dd sinh_dd cosh_dd tanh_dd log_dd log1p_dd log10_dd exp_dd
	expm1_dd abs_dd ceil_dd floor_dd arctan2_ddd
	sqrt_cc sin_cc cos_cc tan_cc arcsin_cc arccos_cc arctan_cc sinh_cc cosh_cc tanh_cc log_cc log1p_cc log10_cc exp_cc
	expm1_cc abs_cc
	startswith_bss endswith_bss named_bi named_bl named_bu micros_ld
	gt_buu ge_buu eq_buu ne_buu gt_bul ge_bul eq_bul ne_bul gt_blu ge_blu eq_blu ne_blu
	gt_bud ge_bud eq_bud ne_bud gt_bdu ge_bdu eq_bdu ne_bdu
	and_uuu or_uuu xor_uuu floordiv_uuu mod_uuu rshift_uuu`)

func setOf(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// signature chooses the operand kinds of an operation: the first in numexpr's order of promotion that it has.
func signature(op string, result Kind, args []*node) ([]Kind, bool) {
	kinds := make([]Kind, len(args))
	var choose func(i int, name string) bool
	choose = func(i int, name string) bool {
		if i == len(args) {
			return operations[name]
		}
		last := Complex128
		if args[i].kind >= Bytes {
			last = args[i].kind
		}
		for k := args[i].kind; k <= last; k++ {
			kinds[i] = k
			if choose(i+1, name+kindLetters[k:k+1]) {
				return true
			}
		}
		return false
	}
	return kinds, choose(0, op+"_"+kindLetters[result:result+1])
}

// resolve chooses the operand kinds of a whole expression and puts casts in. A node is resolved once.
func resolve(src *source, n *node) (*node, error) {
	if n.typed != nil {
		return n.typed, nil
	}
	out := *n
	if n.isConstant() {
		if err := out.convert(n.kind); err != nil {
			return nil, src.fail(n.at, "%v", err)
		}
	}
	if len(n.args) > 0 {
		if err := resolveArgs(src, n, &out); err != nil {
			return nil, err
		}
	}
	n.typed = &out
	return n.typed, nil
}

func resolveArgs(src *source, n, out *node) error {
	kinds, ok := signature(n.op, n.kind, n.args)
	if !ok {
		return src.fail(n.at, "%s", refusal(src, n))
	}
	out.args = make([]*node, len(n.args))
	for i, a := range n.args {
		var err error
		switch {
		case a.kind == kinds[i]:
			out.args[i], err = resolve(src, a)
		case a.isConstant():
			c := *a
			c.typed, c.kind = nil, kinds[i]
			out.args[i], err = resolve(src, &c)
		default:
			out.args[i], err = resolve(src, &node{op: "cast", kind: kinds[i], args: []*node{a}, at: a.at})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func refusal(src *source, n *node) string {
	if n.bare && (n.op == "and" || n.op == "or" || n.op == "xor") {
		return bindsTighter(map[string]string{"and": "&", "or": "|", "xor": "^"}[n.op])
	}
	kinds := make([]string, len(n.args))
	for i, a := range n.args {
		kinds[i] = a.kind.String()
	}
	op := n.op
	for written, name := range opNames {
		if name == n.op {
			op = written
		}
	}
	op = strings.NewReplacer("neg", "-", "invert", "~").Replace(op)
	return op + " does not take " + strings.Join(kinds, " and ") + quotedName(src, n.args)
}

// quotedName is the hint at a text that should have been a name.
func quotedName(src *source, args []*node) string {
	for _, a := range args {
		if text, ok := a.text(); ok && slices.Contains(src.names, text) {
			return ": quotes make texts, backquotes names: write " + clip("`"+strings.ReplaceAll(text, "`", "``")+"`")
		}
	}
	return ""
}

// convert makes the one value of a constant in a kind at least as wide as its own.
func (n *node) convert(k Kind) error {
	v := n.val
	n.data = &Vector{}
	switch k {
	case Bool:
		n.data.Bool = []byte{byte(v.integer().Int64())}
	case Int32:
		n.data.I32 = []int32{int32(v.integer().Int64())}
	case Int64:
		if !v.integer().IsInt64() {
			return errBeyond(v.integer())
		}
		n.data.I64 = []int64{v.integer().Int64()}
	case Float32, Float64:
		f, err := v.float()
		n.data.F64, n.data.F32 = []float64{f}, []float32{float32(f)}
		return err
	case Complex128:
		c, err := v.complex()
		n.data.C128 = []complex128{c}
		return err
	case Bytes:
		n.data.Bytes = []byte(v.v.(string))
	}
	return nil
}

type errRange struct{ v *big.Int }

func errBeyond(v *big.Int) error { return errRange{v} }

func (e errRange) Error() string { return clip(e.v.String()) + " is beyond 64 bits" }
