package match

import (
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/where"
)

// Condition is a compiled where with the columns it reads.
type Condition struct {
	program  *where.Program
	question string // tells it from others
	scope    []operand
	Columns  []string // of the dataset, each once
	numbers  []int    // of columns among the source's
	inputs   []operand
}

// NewCondition compiles a where over the columns of a dataset of one axis and those that a frame makes of them. Errors:
// fault.Invalid, fault.NotFound for a name, with near matches.
func NewCondition(of convert.Source, text string, vars map[string]any, framed []frame.Column) (c *Condition, err error) {
	c = &Condition{question: questionOf(text, vars, framed)}
	if c.scope, err = scopeOf(of, framed); err != nil {
		return nil, err
	}
	return c, c.compile(text, vars)
}

// compile compiles the text over the scope.
func (c *Condition) compile(text string, vars map[string]any) (err error) {
	scope := make([]where.Column, len(c.scope))
	for i, o := range c.scope {
		scope[i] = o.Column
	}
	if c.program, err = where.Compile(text, scope, vars); err != nil {
		return err
	}
	for _, in := range c.program.Inputs() {
		c.read(in)
	}
	return nil
}

// read adds an input of the program.
func (c *Condition) read(in where.Input) {
	o := c.scope[in.Column]
	if o.Shape != nil {
		o.item = in.Item
	}
	o.missing = in.Missing
	if o.at = slices.Index(c.numbers, o.number); o.at < 0 {
		o.at = len(c.numbers)
		c.Columns, c.numbers = append(c.Columns, o.source), append(c.numbers, o.number)
	}
	c.inputs = append(c.inputs, o)
}

// place is where a column of the scope is among columns, -1 where it is not read.
func (c *Condition) place(column int) int { return slices.Index(c.numbers, c.scope[column].number) }

// indexed is the dataset's column that a column of the scope is the whole of.
func (c *Condition) indexed(column int) (string, bool) {
	o := c.scope[column]
	return o.source, o.item < 0 && o.Shape == nil
}

// Constant is what a condition without columns says of every row.
func (c *Condition) Constant() bool {
	one := make([]byte, 1)
	c.program.NewEval().Eval(nil, 1, one)
	return one[0] != 0
}
