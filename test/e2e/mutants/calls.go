package mutants

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// call changes what a call gives.
func (r *rewriter) call(e *ast.CallExpr, v types.TypeAndValue, parent ast.Node) {
	switch parent.(type) {
	case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		return
	}
	name := r.typeName(v.Type)
	if f, ok := e.Fun.(*ast.Ident); ok && r.info.Types[f].IsBuiltin() {
		r.builtin(e, f, name)
		return
	}
	if name == "" || len(e.Args) == 0 || v.Type == nil {
		return
	}
	if isOf(e, "strconv", "ParseInt", "ParseUint") && r.info.Types[e.Args[0]].Value == nil {
		r.wrap(e.Args[0], fmt.Sprintf("mutatedUnquoted(%d, ", r.add(e, "a number in quotes is read")), ")")
	}
	if isOf(e, "time", "NewTimer", "AfterFunc") {
		r.wrap(e.Args[0], fmt.Sprintf("mutatedTwice(%d, ", r.add(e, "the timer takes twice as long")), ")")
	}
	r.unchanged(e, v, name)
}

// unchanged makes a call give what it gets, where that has the type.
func (r *rewriter) unchanged(e *ast.CallExpr, v types.TypeAndValue, name string) {
	for _, in := range []ast.Expr{receiver(e), e.Args[0]} {
		if in == nil || !isPure(in) {
			continue
		}
		t, ok := r.info.Types[in]
		if ok && !t.IsType() && t.Value == nil && types.AssignableTo(t.Type, v.Type) && r.info.Types[e.Fun].IsValue() {
			r.wrap(e, fmt.Sprintf("mutatedChoice[%s](%d, ", name, r.add(e, "a call changes nothing")), ", "+r.text(in)+")")
			return
		}
	}
}

func (r *rewriter) builtin(e *ast.CallExpr, f *ast.Ident, name string) {
	switch {
	case (f.Name == "min" || f.Name == "max") && name != "":
		r.replace(f.Pos(), len(f.Name), fmt.Sprintf("mutated%s[%s]", strings.Title(f.Name), name)) //nolint:staticcheck // min and max
		r.replace(e.Lparen, 1, fmt.Sprintf("(%d, ", r.add(e, "min is max")))
	case f.Name == "append" && len(e.Args) == 2 && !e.Ellipsis.IsValid():
		slice, ok := r.info.TypeOf(e.Args[0]).Underlying().(*types.Slice)
		if ok && types.Identical(slice.Elem(), r.info.TypeOf(e.Args[1])) {
			r.replace(f.Pos(), len(f.Name), "mutatedAppend")
			r.replace(e.Lparen, 1, fmt.Sprintf("(%d, ", r.add(e, "append puts it in front")))
		}
	case f.Name == "make" && len(e.Args) == 2 && r.info.Types[e.Args[1]].Value == nil:
		if _, ok := r.info.TypeOf(e).Underlying().(*types.Chan); ok {
			r.wrap(e.Args[1], fmt.Sprintf("mutatedToZero(%d, ", r.add(e, "the channel has no room")), ")")
			r.wrap(e.Args[1], fmt.Sprintf("mutatedChoice(%d, ", r.add(e, "the channel has room for one")), ", 1)")
		}
	}
}

// isOf tells whether a call is one of these functions of an imported package.
func isOf(e *ast.CallExpr, pkg string, functions ...string) bool {
	s, ok := e.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	p, ok := s.X.(*ast.Ident)
	return ok && p.Name == pkg && slices.Contains(functions, s.Sel.Name)
}

// receiver is what a method is called of.
func receiver(e *ast.CallExpr) ast.Expr {
	if s, ok := e.Fun.(*ast.SelectorExpr); ok {
		return s.X
	}
	return nil
}

// isPure tells whether an expression may be evaluated twice.
func isPure(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return isPure(e.X)
	case *ast.CallExpr:
		s, ok := e.Fun.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "Now" && len(e.Args) == 0
	}
	return false
}
