package checks

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// source looks for what the product's own code does not do.
func source(f *findings, packages map[string][]*file) {
	for _, files := range packages {
		for _, g := range files {
			g.look(f)
			g.variables(f, files)
		}
	}
}

// parse reads the product's own code, package by package.
func parse(f *findings, tree fs.FS) map[string][]*file {
	packages := map[string][]*file{}
	for _, root := range []string{"pkg", "functions"} {
		err := fs.WalkDir(tree, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(path.Dir(name), "test") {
				return err // packages called …test are for tests alone
			}
			text, err := fs.ReadFile(tree, name)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			g := &file{name: name, set: set, ast: parsed, imports: imports(parsed)}
			packages[path.Dir(name)] = append(packages[path.Dir(name)], g)
			return nil
		})
		if err != nil {
			f.add("%s: %v", root, err)
		}
	}
	return packages
}

// file is one file of the product.
type file struct {
	name    string
	set     *token.FileSet
	ast     *ast.File
	imports map[string]string // the name that a package has here, and its path
}

func (g *file) in(dirs ...string) bool {
	for _, d := range dirs {
		if strings.HasPrefix(g.name, d+"/") {
			return true
		}
	}
	return false
}

func (g *file) add(f *findings, at token.Pos, what string) {
	f.add("%s:%d: %s", g.name, g.set.Position(at).Line, what)
}

func imports(a *ast.File) map[string]string {
	all := map[string]string{}
	for _, i := range a.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if regexp.MustCompile(`^v\d+$`).MatchString(name) {
			name = path.Base(path.Dir(p))
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		all[name] = p
	}
	return all
}

// key is what a part of a key looks like in a text: a separator alone, beside a family, or between verbs of a format.
var key = regexp.MustCompile(`^#$|[A-Z]#|#[A-Z]|%[a-z]#|#%`)

// look judges one file by itself.
func (g *file) look(f *findings) {
	for _, p := range g.imports {
		switch p {
		case "github.com/aws/aws-sdk-go-v2/config":
			g.add(f, g.ast.Pos(), "package config looks for files that a function has not; app builds the configuration")
		case "pixeltrack.io/platform/pkg/catalog":
			g.add(f, g.ast.Pos(), "no function links the catalog")
		}
	}
	_, table := g.imports["dynamo"]
	_, client := g.imports["dynamodb"]
	ast.Inspect(g.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				g.add(f, n.Pos(), "an init function")
			}
		case *ast.SelectorExpr:
			g.selector(f, n, table || client)
		case *ast.BasicLit:
			if n.Kind != token.STRING || g.in("pkg/store") {
				return true
			}
			if s, err := strconv.Unquote(n.Value); err == nil && key.MatchString(s) {
				g.add(f, n.Pos(), "a key is built by package store alone")
			}
		case *ast.ImportSpec, *ast.Field:
			if field, ok := n.(*ast.Field); ok && field.Tag != nil {
				return false // examples in tags
			}
		}
		return true
	})
}

func (g *file) selector(f *findings, n *ast.SelectorExpr, table bool) {
	if x, ok := n.X.(*ast.Ident); ok {
		switch p, name := g.imports[x.Name], n.Sel.Name; {
		case p == "os" && (name == "Getenv" || name == "LookupEnv" || name == "Environ" || name == "ExpandEnv" || name == "Setenv") && !g.in("pkg/app"):
			g.add(f, n.Pos(), "package app alone reads the environment")
		case p == "time" && (name == "Now" || name == "Since" || name == "Until") && !g.in("pkg/clock"):
			g.add(f, n.Pos(), "package clock alone asks what time it is")
		}
	}
	if table && (n.Sel.Name == "Scan" || n.Sel.Name == "ScanInput" || n.Sel.Name == "NewScanPaginator") {
		g.add(f, n.Pos(), "a scan of the table")
	}
}

// variables looks for variables of a package that are state. A variable may be an error, a regular expression, an
// embedded file, an assertion of a type, something done once, or an array, and nothing in the package assigns to its
// name.
func (g *file) variables(f *findings, files []*file) {
	for _, d := range g.ast.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.VAR {
			continue
		}
		for _, s := range decl.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok || embedded(decl, spec) {
				continue
			}
			for i, name := range spec.Names {
				if name.Name == "_" || i < len(spec.Values) && g.constant(spec.Values[i]) && !assigned(files, name.Name) {
					continue
				}
				g.add(f, name.Pos(), "variable "+name.Name+" of a package is state")
			}
		}
	}
}

func embedded(decl *ast.GenDecl, spec *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{decl.Doc, spec.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

func (g *file) constant(v ast.Expr) bool {
	switch v := v.(type) {
	case *ast.CallExpr:
		s, ok := v.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := s.X.(*ast.Ident)
		if !ok {
			return false
		}
		switch g.imports[x.Name] + "." + s.Sel.Name {
		case "errors.New", "fmt.Errorf", "regexp.MustCompile", "sync.OnceFunc":
			return true
		}
	case *ast.CompositeLit:
		a, ok := v.Type.(*ast.ArrayType)
		return ok && a.Len != nil
	}
	return false
}

// assigned says whether a package assigns to a name, or to a part of it, outside its declaration, or takes its address.
func assigned(files []*file, name string) bool {
	found := false
	is := func(e ast.Expr) bool {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			case *ast.Ident:
				return x.Name == name
			default:
				return false
			}
		}
	}
	for _, g := range files {
		ast.Inspect(g.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					found = found || n.Tok != token.DEFINE && is(l)
				}
			case *ast.IncDecStmt:
				found = found || is(n.X)
			case *ast.UnaryExpr:
				found = found || n.Op == token.AND && is(n.X)
			case *ast.SliceExpr:
				found = found || is(n.X)
			}
			return true
		})
	}
	return found
}

// samples looks at the sample events: each is JSON of its kind.
func samples(f *findings, tree fs.FS) {
	for _, kind := range []string{"http", "schedule", "stream", "bus"} {
		files, err := fs.Glob(tree, "events/"+kind+"/*.json")
		if err != nil || len(files) == 0 {
			f.add("events/%s: no samples", kind)
		}
		for _, name := range files {
			content, err := fs.ReadFile(tree, name)
			if err != nil {
				f.add("%s: %v", name, err)
				continue
			}
			var e struct {
				Version, Source string
				Context         *struct{} `json:"requestContext"`
				Records         []struct{}
			}
			if err := json.Unmarshal(content, &e); err != nil {
				f.add("%s: %v", name, err)
				continue
			}
			ok := map[string]bool{"http": e.Version == "2.0" && e.Context != nil, "schedule": e.Source == "aws.scheduler",
				"stream": len(e.Records) > 0, "bus": e.Source == "pixeltrack"}
			if !ok[kind] {
				f.add("%s: is no event of its kind", name)
			}
		}
	}
}
