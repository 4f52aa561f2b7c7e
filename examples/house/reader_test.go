package house_test

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
)

// reader knows the texts of a package: what its constants are, what its functions return, and which of its functions make an error
// of a text that they are given.
type reader struct {
	folder string
	consts map[string][]string
	funcs  map[string][]string
	makers map[string]maker
	locals map[string][]string // of the function that is read
}

// values are functions that say a value in words, such as what kind of JSON it is.
var values = map[string]bool{"article": true, "bytesText": true}

// maker is a function that makes an error of one of its arguments.
type maker struct {
	argument int
	row      func(text string) []string
}

func newReader(folder string, files []*ast.File) *reader {
	r := &reader{folder: folder, consts: map[string][]string{}, funcs: map[string][]string{}, makers: map[string]maker{}}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				r.name(g, r.consts)
			}
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			r.enter(d)
			if res := fn.Type.Results; res != nil && len(res.List) == 1 && fmt.Sprint(res.List[0].Type) == "string" && fn.Recv == nil && !values[fn.Name.Name] {
				ast.Inspect(fn.Body, func(n ast.Node) bool {
					if ret, ok := n.(*ast.ReturnStmt); ok {
						r.funcs[fn.Name.Name] = append(r.funcs[fn.Name.Name], r.texts(ret.Results[0])...)
					}
					return true
				})
			}
			r.learn(fn.Name.Name, fn.Type, fn.Body)
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if x, ok := n.(*ast.AssignStmt); ok && len(x.Lhs) == 1 {
					name, named := x.Lhs[0].(*ast.Ident)
					if lit, ok := x.Rhs[0].(*ast.FuncLit); ok && named {
						r.learn(name.Name, lit.Type, lit.Body)
					}
				}
				return true
			})
		}
	}
	return r
}

// learn notes that a function makes an error of one of its parameters.
func (r *reader) learn(name string, typ *ast.FuncType, body *ast.BlockStmt) {
	index := map[string]int{}
	n := 0
	for _, field := range typ.Params.List {
		for _, p := range field.Names {
			index[p.Name] = n
			n++
		}
	}
	if name == "fail" || name == "invalid" || name == "badRequest" { // called knows these
		return
	}
	ast.Inspect(body, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.CompositeLit:
			kind, fields := fieldsOf(x)
			detail, ok := fields["Detail"].(*ast.Ident)
			if at, is := index[fmt.Sprint(detail)]; ok && is && kind == "Error" {
				status := "400"
				if s, ok := fields["Status"].(*ast.SelectorExpr); ok {
					status = statusOf(s.Sel.Name)
				}
				r.makers[name] = maker{at, func(text string) []string { return row(status, literal(fields["Type"]), text) }}
			}
		case *ast.CallExpr: // it passes the parameter on
			if nameOf(x) == "fail" && len(x.Args) == 1 {
				arg, ok := x.Args[0].(*ast.Ident)
				if at, is := index[fmt.Sprint(arg)]; ok && is {
					r.makers[name] = maker{at, r.failed}
				}
			}
		}
		return true
	})
}

// enter reads what a function's own names are.
func (r *reader) enter(d ast.Decl) {
	r.locals = map[string][]string{}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			r.name(n, r.locals)
		case *ast.AssignStmt:
			if name, ok := n.Lhs[0].(*ast.Ident); ok && len(n.Lhs) == 1 {
				r.locals[name.Name] = append(r.locals[name.Name], r.texts(n.Rhs[0])...)
			}
		}
		return true
	})
}

// name notes the texts of constants and variables.
func (r *reader) name(g *ast.GenDecl, into map[string][]string) {
	for _, spec := range g.Specs {
		if v, ok := spec.(*ast.ValueSpec); ok {
			for i, name := range v.Names {
				if i < len(v.Values) {
					into[name.Name] = r.texts(v.Values[i])
				}
			}
		}
	}
}

// texts are what an expression may be, with … for what is known at run time only.
func (r *reader) texts(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		var all []string
		for _, x := range r.texts(e.X) {
			for _, y := range r.texts(e.Y) {
				all = append(all, x+y)
			}
		}
		return all
	case *ast.Ident:
		if known := slices.Concat(r.locals[e.Name], r.consts[e.Name]); len(known) > 0 {
			return known
		}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.Ident); ok && len(r.funcs[f.Name]) > 0 {
			return r.funcs[f.Name]
		}
	}
	return []string{literal(e)}
}

// nameOf is what a call calls.
func nameOf(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

var verb = regexp.MustCompile(`%[-+#]*[0-9.]*[a-zA-Z]`)

// literal is the text of an expression, with … for what is known at run time only.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			return "…"
		}
		return s
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return verb.ReplaceAllString(literal(e.Args[0]), "…")
		}
	}
	return "…"
}
