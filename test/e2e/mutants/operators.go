package mutants

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

func (r *rewriter) condition(cond ast.Expr) {
	never, always := r.add(cond, "the condition never holds"), r.add(cond, "the condition always holds")
	r.wrap(cond, fmt.Sprintf("(!mutated(%d) && (mutated(%d) || (", never, always), ")))")
}

func (r *rewriter) oneRound(body *ast.BlockStmt) {
	if len(body.List) == 0 {
		return
	}
	r.edits = append(r.edits, edit{
		r.offset(body.Rbrace), r.offset(body.Rbrace), fmt.Sprintf("; if mutated(%d) { break };", r.add(body, "the loop ends after a round")), false, len(r.edits),
	})
}

func (r *rewriter) returnZero(n *ast.ReturnStmt) {
	results := r.results[len(r.results)-1]
	if results == nil || len(n.Results) == 0 || !slices.ContainsFunc(n.Results, func(e ast.Expr) bool { return !r.isZero(e) }) {
		return
	}
	var declarations, names []string
	for _, field := range results.List {
		for range max(1, len(field.Names)) {
			name := fmt.Sprintf("zero%d", len(names))
			names = append(names, name)
			declarations = append(declarations, "var "+name+" "+r.text(field.Type))
		}
	}
	r.wrap(n, fmt.Sprintf("if mutated(%d) { %s; return %s }; ", r.add(n, "zero is returned"),
		strings.Join(declarations, "; "), strings.Join(names, ", ")), "")
}

func (r *rewriter) isZero(e ast.Expr) bool {
	v := r.info.Types[e]
	if v.IsNil() {
		return true
	}
	if v.Value != nil {
		switch v.Value.Kind() {
		case constant.Bool:
			return !constant.BoolVal(v.Value)
		case constant.String:
			return constant.StringVal(v.Value) == ""
		case constant.Int, constant.Float:
			return constant.Sign(v.Value) == 0
		default:
		}
	}
	c, ok := e.(*ast.CompositeLit)
	return ok && len(c.Elts) == 0
}

// drop leaves a statement out.
func (r *rewriter) drop(n ast.Stmt, outer []ast.Node) {
	switch parent := outer[len(outer)-1].(type) {
	case *ast.BlockStmt, *ast.CaseClause:
	case *ast.CommClause:
		if parent.Comm == n {
			return
		}
	default:
		return // the first statement of an if, or of a for
	}
	switch s := n.(type) {
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" {
				return
			}
			r.store(s, call)
		}
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return
		}
	case *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.BranchStmt:
	default:
		return
	}
	r.wrap(n, fmt.Sprintf("if !mutated(%d) { ", r.add(n, "a statement is left out")), " }")
}

// expression mutates an expression. It returns false when nothing below it may be mutated.
func (r *rewriter) expression(e ast.Expr, outer []ast.Node) bool {
	v, ok := r.info.Types[e]
	if !ok || v.IsType() {
		_, selector := e.(*ast.SelectorExpr)
		return !v.IsType() && !selector
	}
	if v.Value != nil {
		r.constant(e, v, outer[len(outer)-1])
		return false
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		r.binary(e, v)
	case *ast.UnaryExpr:
		r.unary(e, v, outer)
	case *ast.CallExpr:
		r.call(e, v, outer[len(outer)-1])
	case *ast.SelectorExpr:
		r.visit(e.X, append(slices.Clone(outer), e))
		return false
	case *ast.CompositeLit:
		r.fields(e)
	}
	return true
}

func (r *rewriter) constant(e ast.Expr, v types.TypeAndValue, parent ast.Node) {
	switch p := parent.(type) {
	case *ast.CaseClause, *ast.ValueSpec, *ast.ArrayType:
		return
	case *ast.KeyValueExpr:
		if p.Key == e {
			return
		}
	case *ast.BinaryExpr:
		if p.Op == token.SHL || p.Op == token.SHR {
			return
		}
	}
	name := r.typeName(v.Type)
	if name == "" {
		return
	}
	basic, ok := v.Type.Underlying().(*types.Basic)
	if !ok {
		return
	}
	switch {
	case basic.Info()&types.IsBoolean != 0:
		r.wrap(e, "(", fmt.Sprintf(" != mutated(%d))", r.add(e, "another truth value")))
	case basic.Info()&types.IsNumeric != 0 && basic.Info()&types.IsComplex == 0:
		r.wrap(e, fmt.Sprintf("mutatedNumber[%s](%d, ", name, r.add(e, "another number")), ")")
	case basic.Info()&types.IsString != 0:
		if other := r.otherConstant(v); other != "" {
			r.wrap(e, fmt.Sprintf("mutatedChoice[%s](%d, ", name, r.add(e, "another constant of its type")), ", "+other+")")
		}
	}
}

// otherConstant is another constant of a named type of the package.
func (r *rewriter) otherConstant(v types.TypeAndValue) string {
	named, ok := v.Type.(*types.Named)
	if !ok || named.Obj().Pkg() != r.pkg {
		return ""
	}
	names := r.pkg.Scope().Names()
	for _, name := range names {
		c, ok := r.pkg.Scope().Lookup(name).(*types.Const)
		if ok && types.Identical(c.Type(), v.Type) && constant.Compare(c.Val(), token.NEQ, v.Value) {
			return name
		}
	}
	return ""
}

var (
	boundaries = map[token.Token]string{
		token.LSS: " || mutated(%d) && (%s) == (%s))", token.GTR: " || mutated(%d) && (%s) == (%s))",
		token.LEQ: " && !(mutated(%d) && (%s) == (%s)))", token.GEQ: " && !(mutated(%d) && (%s) == (%s)))",
	}
	opposites = map[token.Token]string{token.ADD: "Sum", token.SUB: "Difference", token.MUL: "Product", token.QUO: "Quotient"}
)

func (r *rewriter) binary(e *ast.BinaryExpr, v types.TypeAndValue) {
	switch e.Op {
	case token.LAND, token.LOR:
		for _, operand := range []ast.Expr{e.X, e.Y} {
			n := r.add(operand, "an operand is left out")
			if e.Op == token.LAND {
				r.wrap(operand, fmt.Sprintf("(mutated(%d) || (", n), "))")
			} else {
				r.wrap(operand, fmt.Sprintf("(!mutated(%d) && (", n), "))")
			}
		}
	case token.LSS, token.GTR, token.LEQ, token.GEQ:
		r.wrap(e, "(", fmt.Sprintf(boundaries[e.Op], r.add(e, "the boundary is on the other side"), r.text(e.X), r.text(e.Y)))
	case token.EQL, token.NEQ:
		r.wrap(e, fmt.Sprintf("(mutated(%d) != (", r.add(e, "equal is unequal")), "))")
		r.neighbour(e)
	case token.ADD, token.SUB, token.MUL, token.QUO:
		basic, ok := v.Type.Underlying().(*types.Basic)
		name := r.typeName(v.Type)
		if !ok || basic.Info()&types.IsNumeric == 0 || name == "" {
			return
		}
		r.wrap(e, fmt.Sprintf("mutated%s[%s](%d, %d, ", opposites[e.Op], name, r.add(e, "the opposite operation"), r.add(e, "the second operand counts for nothing")), ")")
		r.replace(e.OpPos, 1, ",")
	default:
	}
}

func (r *rewriter) unary(e *ast.UnaryExpr, v types.TypeAndValue, outer []ast.Node) {
	switch e.Op {
	case token.NOT:
		r.wrap(e, fmt.Sprintf("(mutated(%d) != (", r.add(e, "not is left out")), "))")
	case token.SUB:
		if name := r.typeName(v.Type); name != "" {
			r.wrap(e, fmt.Sprintf("mutatedSign[%s](%d, ", name, r.add(e, "the other sign")), ")")
		}
	case token.ARROW:
		if inSelect(outer) {
			r.wrap(e.X, fmt.Sprintf("mutatedToZero(%d, ", r.add(e, "a case of a select is left out")), ")")
		}
	default:
	}
}

// inSelect tells whether what is received there is a case of a select.
func inSelect(outer []ast.Node) bool {
	for i := len(outer) - 1; i > 0; i-- {
		switch outer[i].(type) {
		case *ast.ExprStmt, *ast.AssignStmt:
			c, ok := outer[i-1].(*ast.CommClause)
			return ok && c.Comm == outer[i]
		}
	}
	return false
}
