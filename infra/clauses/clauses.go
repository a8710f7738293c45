// Package clauses holds the privacy policy to the code, clause by clause: what keeps a promise (a route, a job, a line of
// a template), what proves it (a test, or an assertion on the template where only AWS can keep it), and the one change of
// the code that breaks it and must turn its test red. A promise about an area that does not exist yet is pending, and can
// stay so only as long as the area has no route. Page.md is made of it.
package clauses

import (
	_ "embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Clause is one promise of the policy.
type Clause struct {
	Section string   // of the policy
	Promise string   // in a sentence
	Kept    []string // ids of routes and jobs, * for all of them; directories of code; or lines of templates as of a Proof
	Proof   []string // tests as "pkg/auth TestLogIn", or lines as "template.yaml Resources.Table.Properties.BillingMode = PAY_PER_REQUEST"
	Off     *Switch  // breaks the promise, so that the first test of Proof turns red
	Pending string   // the area, or the operation of an area that exists, without which it cannot be kept yet
}

// Switch is a change of one place of the code.
type Switch struct {
	File string // from the root of the tree
	Old  string // occurs once
	New  string
}

//go:embed clauses.yaml
var table []byte

// All gives the clauses in the order of the policy.
func All() ([]Clause, error) {
	var all []Clause
	d := yaml.NewDecoder(strings.NewReader(string(table)))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("clauses: %w", err)
	}
	return all, nil
}

// Operation is a route or a job that there is.
type Operation struct {
	ID, Area string
	Route    bool
}

// Check gives what is wrong with the clauses in a tree with operations, nothing when all is well.
func Check(tree fs.FS, all []Clause, list []Operation) []string {
	var wrong []string
	for _, c := range all {
		for _, w := range c.check(tree, list) {
			wrong = append(wrong, fmt.Sprintf("%s %q: %s", c.Section, c.Promise, w))
		}
	}
	return wrong
}

func (c Clause) check(tree fs.FS, list []Operation) []string {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.Section == "" || c.Promise == "" {
		add("it has no section or promise")
	}
	if c.Pending != "" {
		if len(c.Kept)+len(c.Proof) != 0 || c.Off != nil {
			add("it is pending and kept at once")
		}
		for _, o := range list {
			if o.Route && o.Area == c.Pending || o.ID == c.Pending {
				add("it is pending, but there is %s", o.ID)
				break
			}
		}
		return wrong
	}
	if len(c.Kept) == 0 || len(c.Proof) == 0 {
		add("nothing keeps it, or nothing proves it")
	}
	for _, k := range c.Kept {
		if err := kept(tree, list, k); err != nil {
			add("%v", err)
		}
	}
	tests := 0
	for _, p := range c.Proof {
		dir, name, ok := Test(p)
		if !ok {
			if err := holds(tree, p); err != nil {
				add("%v", err)
			}
			continue
		}
		tests++
		if !declares(tree, dir, name) {
			add("%s has no %s", dir, name)
		}
	}
	switch {
	case c.Off == nil && tests > 0:
		add("it says no change that breaks it")
	case c.Off != nil && len(c.Proof) > 0 && (strings.HasPrefix(c.Proof[0], "infra/e2e ") || tests == 0):
		add("what is broken turns a package's own test red, not one of the whole stack")
	case c.Off != nil:
		text, err := fs.ReadFile(tree, c.Off.File)
		if n := strings.Count(string(text), c.Off.Old); err != nil || n != 1 || c.Off.Old == c.Off.New {
			add("what breaks it is %d times in %s", n, c.Off.File)
		}
	}
	return wrong
}

// kept sees that what keeps a promise is there.
func kept(tree fs.FS, list []Operation, what string) error {
	switch {
	case what == "*", slices.ContainsFunc(list, func(o Operation) bool { return o.ID == what }):
		return nil
	case strings.Contains(what, " "):
		return holds(tree, what)
	case strings.Contains(what, "/"):
		files, err := fs.Glob(tree, path.Join(what, "*.go"))
		if err == nil && len(files) > 0 {
			return nil
		}
	}
	return fmt.Errorf("there is no %s", what)
}

// Test takes a proof apart that is a test.
func Test(proof string) (dir, name string, ok bool) {
	dir, name, ok = strings.Cut(proof, " ")
	return dir, name, ok && strings.HasPrefix(name, "Test")
}

// declares says whether a test is declared in a directory.
func declares(tree fs.FS, dir, name string) bool {
	files, err := fs.Glob(tree, path.Join(dir, "*_test.go"))
	if err != nil {
		return false
	}
	declaration := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(`)
	return slices.ContainsFunc(files, func(f string) bool {
		text, err := fs.ReadFile(tree, f)
		return err == nil && declaration.Match(text)
	})
}

// holds sees that a line of a template is there with its value: "file path.to.it = value".
func holds(tree fs.FS, line string) error {
	file, rest, _ := strings.Cut(line, " ")
	where, want, ok := strings.Cut(rest, " = ")
	if !ok {
		return fmt.Errorf("%q is neither an operation nor a test nor a line of a template", line)
	}
	text, err := fs.ReadFile(tree, file)
	if err != nil {
		return err
	}
	return valueAt(text, where, want, line)
}

// valueAt sees that a template has a value at a path.
func valueAt(text []byte, where, want, line string) error {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) == 0 {
		return fmt.Errorf("%q: not a template", line)
	}
	at := root.Content[0]
	for step := range strings.SplitSeq(where, ".") {
		if at = child(at, step); at == nil {
			return fmt.Errorf("%q: there is no %s", line, step)
		}
	}
	if at.Value != want {
		return fmt.Errorf("%q: it is %q", line, at.Value)
	}
	return nil
}

// child finds what lies under a name of a mapping, or at a number of a sequence.
func child(n *yaml.Node, step string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		var i int
		if _, err := fmt.Sscan(step, &i); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	}
	return nil
}

// Page renders the clauses for a reader.
func Page(all []Clause) string {
	var b strings.Builder
	kept, pending := 0, 0
	for _, c := range all {
		if c.Pending != "" {
			pending++
		} else {
			kept++
		}
	}
	fmt.Fprintf(&b, "# The privacy policy, clause by clause\n\nMade by `go test ./infra/clauses -update`; do not edit. %d clauses: %d kept and proven, %d pending.\n", len(all), kept, pending)
	fmt.Fprint(&b, "\nA line of a template proves what only AWS can keep. Every other proof is a test, and the change named in clauses.yaml turns it red (`make prove`).\n")
	section := ""
	for _, c := range all {
		if c.Section != section {
			section = c.Section
			fmt.Fprintf(&b, "\n## %s\n\n| promise | kept by | proven by |\n|---|---|---|\n", section)
		}
		if c.Pending != "" {
			fmt.Fprintf(&b, "| %s | pending: %s | |\n", c.Promise, c.Pending)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Promise, cell(c.Kept), cell(c.Proof))
	}
	return b.String()
}

func cell(lines []string) string {
	quoted := make([]string, len(lines))
	for i, l := range lines {
		quoted[i] = "`" + l + "`"
	}
	return strings.Join(quoted, "<br>")
}
