package rule

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

const (
	maxExpression = 4096   // bytes: the parser is recursive
	maxNodes      = 500    // of the parsed expression
	memoryBudget  = 10_000 // elements that an evaluation may make
)

// Condition is a compiled expression of github.com/expr-lang/expr, true or false for an answer. Its variables and functions:
//
//	status            the status, an int
//	header("X-Name")  the first value of a header, "" without one
//	json("a.b.0")     what is at that path (see github.com/tidwall/gjson) of the body: a bool, float64, string, slice or map; nil
//	                  when there is nothing, or when the body is not JSON
//
// The time that an evaluation takes is bounded by the expression and, linearly, by the body: nothing loops within a loop, and paths
// and regular expressions are constants. A Condition may be used by several goroutines at once.
type Condition struct {
	program *vm.Program
	pool    sync.Pool // of *evaluation
}

// builtins are those that take a time that is bounded by what they are given.
var builtins = []string{
	"all", "any", "none", "one", "count", "len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "upper", "lower",
	"hasPrefix", "hasSuffix", "indexOf", "type",
}

// SyntaxError says what is wrong with an expression, and where: at the rune Offset, from 0.
type SyntaxError struct {
	Offset  int
	Message string
}

func (e *SyntaxError) Error() string { return e.Message }

// Compile compiles a condition. A *SyntaxError says what is wrong with it and may quote it.
func Compile(expression string) (*Condition, error) {
	if len(expression) > maxExpression {
		return nil, &SyntaxError{Message: fmt.Sprintf("over %d bytes long", maxExpression)}
	}
	var bounds bounds
	options := []expr.Option{
		expr.Env(environment{}), expr.AsBool(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Patch(&bounds),
	}
	for _, name := range builtins {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(expression, options...)
	switch {
	case err != nil:
	case bounds.err != nil:
		err = bounds.err
	case program.Node().Type().Kind() != reflect.Bool:
		err = &file.Error{Message: `may be anything: compare it, as in json("ok") == true`}
	}
	if err != nil {
		return nil, syntaxError(err)
	}
	c := &Condition{program: program}
	c.pool.New = func() any { return newEvaluation() }
	return c, nil
}

func syntaxError(err error) error {
	var located *file.Error
	if !errors.As(err, &located) {
		return &SyntaxError{Message: err.Error()}
	}
	return &SyntaxError{Offset: located.From, Message: located.Message}
}

// bounds finds what could take long. The walk comes to a node after its children.
type bounds struct {
	loops int
	err   error
}

func (b *bounds) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && (callee.Value == "json" || callee.Value == "header") {
			b.constant(n.Arguments, "%s takes a text in quotes", callee.Value)
		}
	case *ast.BinaryNode:
		if n.Operator == "matches" {
			b.constant([]ast.Node{n.Right}, "%s takes a regular expression in quotes", n.Operator)
		}
	case *ast.PredicateNode:
		if b.loops++; b.loops > 1 {
			b.fail(n, "only one of all, any, none, one and count is allowed with a predicate")
		}
	}
}

func (b *bounds) constant(nodes []ast.Node, format, name string) {
	for _, n := range nodes {
		if _, ok := n.(*ast.StringNode); !ok {
			b.fail(n, fmt.Sprintf(format, name))
		}
	}
}

func (b *bounds) fail(n ast.Node, message string) {
	if b.err == nil {
		b.err = &file.Error{Location: n.Location(), Message: message}
	}
}

// environment is what an expression sees.
type environment struct {
	Status int                       `expr:"status"`
	Header func(string) string       `expr:"header"`
	JSON   func(string) (any, error) `expr:"json"`
}

// evaluation is the room for one evaluation. It is kept for the next one.
type evaluation struct {
	environment

	vm      vm.VM
	answer  Answer
	checked bool // whether the body is JSON is known
	isJSON  bool
}

func newEvaluation() *evaluation {
	e := &evaluation{vm: vm.VM{MemoryBudget: memoryBudget}}
	e.Header = func(name string) string { return e.answer.Header.Get(name) }
	e.JSON = func(path string) (any, error) {
		if !e.checked {
			e.checked, e.isJSON = true, validJSON(e.answer.Body)
		}
		if !e.isJSON {
			return nil, nil //nolint:nilnil // nil is what there is
		}
		return lookup(e.answer.Body, path)
	}
	return e
}

func (c *Condition) met(a Answer) (bool, error) {
	e := c.pool.Get().(*evaluation)
	e.answer, e.Status, e.checked = a, a.Status, false
	result, err := e.vm.Run(c.program, &e.environment)
	e.answer = Answer{} // the pool must not hold a body
	c.pool.Put(e)
	if err != nil {
		return false, syntaxError(err)
	}
	return result == true, nil
}
