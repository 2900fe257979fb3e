package mutants

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// cases mutates the conditions of a switch that has no tag.
func (r *rewriter) cases(n *ast.CaseClause, outer []ast.Node) {
	if s, ok := outer[len(outer)-2].(*ast.SwitchStmt); ok && s.Tag == nil {
		for _, e := range n.List {
			r.condition(e)
		}
	}
}

// stepFurther takes the step behind the condition under which a function returns. The step has a condition too, which is a call.
func (r *rewriter) stepFurther(n *ast.ReturnStmt, outer []ast.Node) {
	if len(outer) < 3 {
		return
	}
	guard, ok := outer[len(outer)-2].(*ast.IfStmt)
	if !ok {
		return
	}
	block, ok := outer[len(outer)-3].(*ast.BlockStmt)
	if !ok {
		return
	}
	for i, s := range block.List[:len(block.List)-1] {
		next, ok := block.List[i+1].(*ast.IfStmt)
		if s != guard || !ok || next.Init != nil {
			continue
		}
		if call, ok := next.Cond.(*ast.CallExpr); ok {
			r.wrap(n, fmt.Sprintf("if mutated(%d) { _ = %s }; ", r.add(n, "the next step is taken before a return"), r.text(call)), "")
		}
	}
}

// assigned finds where the package stores what its own functions return: variables that are not local.
func assigned(p *packages.Package) map[*types.Func]ast.Expr {
	found := map[*types.Func]ast.Expr{}
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || a.Tok != token.ASSIGN || len(a.Lhs) != 1 {
				return true
			}
			call, ok := a.Rhs[0].(*ast.CallExpr)
			if _, local := a.Lhs[0].(*ast.Ident); !ok || local {
				return true
			}
			if f := callee(p.TypesInfo, call); f != nil && f.Pkg() == p.Types {
				found[f] = a.Lhs[0]
			}
			return true
		})
	}
	return found
}

// callee is the function that is called, nil when it is not known.
func callee(info *types.Info, call *ast.CallExpr) *types.Func {
	var name *ast.Ident
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f
	case *ast.SelectorExpr:
		name = f.Sel
	default:
		return nil
	}
	if f, ok := info.Uses[name].(*types.Func); ok {
		return f.Origin()
	}
	return nil
}

// store stores what a call returns, as another call of that function in the package does. All names there have to be known here.
func (r *rewriter) store(n *ast.ExprStmt, call *ast.CallExpr) {
	variable, ok := r.stored[callee(r.info, call)]
	if !ok {
		return
	}
	scope, known := r.pkg.Scope().Innermost(n.Pos()), true
	ast.Inspect(variable, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			ast.Inspect(n.X, func(n ast.Node) bool {
				if name, ok := n.(*ast.Ident); ok {
					_, object := scope.LookupParent(name.Name, call.Pos())
					known = known && object != nil
				}
				return true
			})
			return false
		case *ast.Ident:
			_, object := scope.LookupParent(n.Name, call.Pos())
			known = known && object != nil
		}
		return true
	})
	if known {
		r.wrap(n, fmt.Sprintf("if mutated(%d) { %s = %s } else { ", r.add(n, "a call's result is stored"), types.ExprString(variable), r.text(call)), " }")
	}
}

// neighbour takes the next number for equal too.
func (r *rewriter) neighbour(e *ast.BinaryExpr) {
	v := r.info.Types[e.Y]
	basic, ok := r.info.TypeOf(e.X).Underlying().(*types.Basic)
	if !ok || v.Value == nil || basic.Info()&types.IsInteger == 0 || !repeats(e.X) {
		return
	}
	number := r.add(e, "the next number is equal too")
	next := fmt.Sprintf("mutated(%d) && (%s) == (%s) + 1", number, r.text(e.X), r.text(e.Y))
	if e.Op == token.EQL {
		r.wrap(e, "("+next+" || ", ")")
	} else {
		r.wrap(e, "(!("+next+") && ", ")")
	}
}

// repeats tells whether an expression may be evaluated twice: it calls len and cap alone.
func repeats(e ast.Expr) bool {
	may := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.Ident)
			may = may && ok && (f.Name == "len" || f.Name == "cap")
		case *ast.UnaryExpr:
			may = may && n.Op != token.ARROW
		}
		return true
	})
	return may
}

// fields leaves a field of a literal of a struct out.
func (r *rewriter) fields(n *ast.CompositeLit) {
	s, ok := r.info.TypeOf(n).Underlying().(*types.Struct)
	if !ok {
		return
	}
	for _, element := range n.Elts {
		e, ok := element.(*ast.KeyValueExpr)
		if !ok || r.isZero(e.Value) {
			continue
		}
		for field := range s.Fields() {
			name := r.typeName(field.Type())
			if field.Name() == e.Key.(*ast.Ident).Name && name != "" { //nolint:forcetypeassert // the key of a struct's field
				r.wrap(e.Value, fmt.Sprintf("mutatedToZero[%s](%d, ", name, r.add(e, "a field of a literal is left out")), ")")
			}
		}
	}
}
