package mutants

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutant is one small change of a package. All mutants of a package are compiled into one binary; a variable of the environment says
// which of them is alive.
type mutant struct {
	number   int
	function string // "Call.fire": the type of the receiver, and the name
	operator string
	position token.Position // for the reader of a report: nothing depends on it
}

// instrumented is a package with all of its mutants in it.
type instrumented struct {
	folder  string
	name    string
	sources map[string][]byte // by the path of the original
	mutants []mutant
}

// instrument makes the mutants of these functions of a package of internal/. No functions: of all.
func instrument(root, name string, functions []string) (*instrumented, error) {
	config := &packages.Config{
		Dir:  root,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps,
	}
	loaded, err := packages.Load(config, "./internal/"+name)
	if err != nil {
		return nil, err
	}
	p := loaded[0]
	if len(p.Errors) > 0 {
		return nil, p.Errors[0]
	}
	result := &instrumented{folder: p.Dir, name: p.Name, sources: map[string][]byte{}}
	stored := assigned(p)
	for i, file := range p.Syntax {
		path := p.GoFiles[i]
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r := &rewriter{all: result, fset: p.Fset, info: p.TypesInfo, pkg: p.Types, file: file, source: source, stored: stored}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && f.Body != nil && (len(functions) == 0 || slices.Contains(functions, nameOf(f))) {
				r.function = nameOf(f)
				r.results = []*ast.FieldList{f.Type.Results}
				r.visit(f.Body, []ast.Node{f})
			}
		}
		if len(r.edits) > 0 {
			result.sources[path] = r.apply()
		}
	}
	for _, function := range functions {
		if !slices.ContainsFunc(result.mutants, func(m mutant) bool { return m.function == function }) {
			return nil, fmt.Errorf("internal/%s has no function %s to change", name, function)
		}
	}
	return result, nil
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// edit replaces what stands from begin to end. Of the insertions at one place, suffixes come before prefixes, those of inner nodes first
// among suffixes and last among prefixes.
type edit struct {
	begin, end int
	text       string
	suffix     bool
	order      int
}

// rewriter makes the mutants of a file.
type rewriter struct {
	all      *instrumented
	fset     *token.FileSet
	info     *types.Info
	pkg      *types.Package
	file     *ast.File
	source   []byte
	stored   map[*types.Func]ast.Expr // where the package stores what its functions return
	function string
	results  []*ast.FieldList // of the functions that stand around, the innermost last
	edits    []edit
}

func (r *rewriter) offset(p token.Pos) int { return r.fset.Position(p).Offset }

func (r *rewriter) text(n ast.Node) string {
	return string(r.source[r.offset(n.Pos()):r.offset(n.End())])
}

func (r *rewriter) add(n ast.Node, operator string) int {
	number := len(r.all.mutants) + 1 // 0 is none
	r.all.mutants = append(r.all.mutants, mutant{number, r.function, operator, r.fset.Position(n.Pos())})
	return number
}

func (r *rewriter) wrap(n ast.Node, prefix, suffix string) {
	order := len(r.edits)
	r.edits = append(r.edits,
		edit{r.offset(n.Pos()), r.offset(n.Pos()), prefix, false, order},
		edit{r.offset(n.End()), r.offset(n.End()), suffix, true, order})
}

func (r *rewriter) replace(begin token.Pos, length int, text string) {
	r.edits = append(r.edits, edit{r.offset(begin), r.offset(begin) + length, text, false, len(r.edits)})
}

func (r *rewriter) apply() []byte {
	slices.SortStableFunc(r.edits, func(a, b edit) int {
		switch {
		case a.begin != b.begin:
			return a.begin - b.begin
		case a.suffix != b.suffix:
			if a.suffix {
				return -1
			}
			return 1
		case a.suffix: // inner ones, which came later, first
			return b.order - a.order
		}
		return a.order - b.order
	})
	var out bytes.Buffer
	at := 0
	for _, e := range r.edits {
		out.Write(r.source[at:e.begin])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(r.source[at:])
	return out.Bytes()
}

// typeName is how the file writes a type. It is empty when the file cannot.
func (r *rewriter) typeName(t types.Type) string {
	known := true
	name := types.TypeString(types.Default(t), func(p *types.Package) string {
		if p == r.pkg {
			return ""
		}
		for _, i := range r.file.Imports {
			if strings.Trim(i.Path.Value, `"`) == p.Path() {
				if i.Name != nil {
					return i.Name.Name
				}
				return p.Name()
			}
		}
		known = false
		return ""
	})
	if !known {
		return ""
	}
	return name
}

// visit mutates a node and what is below it. outer are the nodes above it, the nearest last.
func (r *rewriter) visit(n ast.Node, outer []ast.Node) {
	switch n := n.(type) {
	case nil:
		return
	case *ast.FuncLit:
		r.results = append(r.results, n.Type.Results)
		r.visit(n.Body, append(outer, n))
		r.results = r.results[:len(r.results)-1]
		return
	case *ast.GenDecl: // a const or a type has no value at run time
		if n.Tok != token.VAR {
			return
		}
	case *ast.IfStmt:
		r.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			r.oneRound(n.Body)
		}
	case *ast.RangeStmt:
		r.oneRound(n.Body)
	case *ast.CaseClause:
		r.cases(n, outer)
	case *ast.ReturnStmt:
		r.returnZero(n)
		r.stepFurther(n, outer)
	case ast.Stmt:
		r.drop(n, outer)
	case ast.Expr:
		if !r.expression(n, outer) {
			return
		}
	}
	inside := append(slices.Clone(outer), n)
	for child := range children(n) {
		r.visit(child, inside)
	}
}

// children are the nodes right below a node.
func children(n ast.Node) func(yield func(ast.Node) bool) {
	return func(yield func(ast.Node) bool) {
		first, more := true, true
		ast.Inspect(n, func(child ast.Node) bool {
			if first {
				first = false
				return true
			}
			if child != nil && more {
				more = yield(child)
			}
			return false
		})
	}
}
