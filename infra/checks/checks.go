// Package checks holds the tree to its rules: the list of routes and jobs, the functions, the stacks, the document, the
// edge and the ledger say the same, and the product keeps to the few habits that a compiler does not know.
package checks

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Operation is a route or a job of the list.
type Operation struct {
	ID, Area     string
	Method, Path string   // of a route
	Tokens       bool     // of a route: it takes API tokens
	Triggers     []string // of a job: schedule, stream, or types of events on the bus
}

func (o Operation) route() bool { return o.Method != "" }

// resource is the logical id of an operation's function: CreateClient of create-client.
func (o Operation) resource() string {
	var b strings.Builder
	for part := range strings.SplitSeq(o.ID, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

func (o Operation) dir() string { return path.Join("functions", o.Area, o.ID) }

// Check gives what is wrong with a tree, in order, nothing when all is well.
func Check(tree fs.FS, list []Operation) []string {
	f := &findings{}
	functions(f, tree, list)
	stacks(f, tree, list)
	document(f, tree, list)
	edge(f, tree, list)
	costs(f, tree, list)
	settings(f, tree)
	packages := parse(f, tree)
	source(f, packages)
	links(f, tree, list, packages)
	samples(f, tree)
	slices.Sort(f.all)
	return slices.Compact(f.all)
}

type findings struct{ all []string }

func (f *findings) add(format string, args ...any) {
	f.all = append(f.all, fmt.Sprintf(format, args...))
}

// edgeArea is the area of the authorizer, which is in no list: it answers the gateway, not a caller.
const edgeArea = "edge"

// longestMain is how many lines of code a main may have.
const longestMain = 15

// functions holds the list and the directories of functions together.
func functions(f *findings, tree fs.FS, list []Operation) {
	listed := map[string]bool{}
	for _, o := range list {
		if listed[o.ID] {
			f.add("%s: the list has it twice", o.ID)
		}
		listed[o.ID], listed[o.dir()] = true, true
		if _, err := fs.Stat(tree, path.Join(o.dir(), "main.go")); err != nil {
			f.add("%s: %s/main.go is not there", o.ID, o.dir())
		}
	}
	mains, err := fs.Glob(tree, "functions/*/*/main.go")
	if err != nil || len(mains) == 0 {
		f.add("functions: no mains")
	}
	for _, m := range mains {
		dir := path.Dir(m)
		if !listed[dir] && path.Base(path.Dir(dir)) != edgeArea {
			f.add("%s: the list has no such route or job", dir)
		}
		text, err := fs.ReadFile(tree, m)
		if err != nil {
			f.add("%s: %v", m, err)
			continue
		}
		if n := codeLines(string(text)); n > longestMain {
			f.add("%s: %d lines of code; a main has %d at most", m, n, longestMain)
		}
		others, err := fs.Glob(tree, path.Join(dir, "*"))
		if err != nil || len(others) != 1 {
			f.add("%s: a function is one main.go", dir)
		}
	}
}

// codeLines counts lines that are neither empty nor a comment.
func codeLines(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// document holds the list and the OpenAPI document together.
func document(f *findings, tree fs.FS, list []Operation) {
	doc, err := load(tree, "infra/openapi.yaml")
	if err != nil {
		f.add("%v", err)
		return
	}
	listed := map[string]bool{}
	for _, o := range list {
		if !o.route() {
			continue
		}
		listed[o.Method+" "+o.Path] = true
		if id := text(doc, "paths", o.Path, strings.ToLower(o.Method), "operationId"); id != o.ID {
			f.add("%s: the document calls %s %s %q", o.ID, o.Method, o.Path, id)
		}
	}
	paths, _ := at(doc, "paths").(map[string]any)
	for p, item := range paths {
		methods, _ := item.(map[string]any)
		for m := range methods {
			if !listed[strings.ToUpper(m)+" "+p] {
				f.add("infra/openapi.yaml: the list has no %s %s", strings.ToUpper(m), p)
			}
		}
	}
}

// The table of access patterns and the unit ledger.
const (
	patternsFile = "pkg/store/doc.go"
	ledgerFile   = "infra/ledger.yaml"
)

// costs holds the list, the table of access patterns and the unit ledger together. The ledger is measured; the table
// repeats its units.
func costs(f *findings, tree fs.FS, list []Operation) {
	ledger, err := load(tree, ledgerFile)
	if err != nil {
		f.add("%v", err)
	}
	patterns, err := fs.ReadFile(tree, patternsFile)
	if err != nil {
		f.add("%s: is not there", patternsFile)
	}
	table := map[string]string{} // the units of each operation
	for line := range strings.Lines(string(patterns)) {
		cells, ok := cellsOf(line)
		if !ok {
			continue
		}
		if len(cells) != 5 || slices.Contains(cells, "") {
			f.add("%s: %s: a line has operation, pattern, index, key and units", patternsFile, cells[0])
			continue
		}
		if _, twice := table[cells[0]]; twice {
			f.add("%s: %s: two lines", patternsFile, cells[0])
		}
		table[cells[0]] = cells[4]
	}
	listed := map[string]bool{"operation": true}
	for _, o := range list {
		listed[o.ID] = true
		units, ok := table[o.ID]
		if patterns != nil && !ok {
			f.add("%s: %s has no line for it", o.ID, patternsFile)
		}
		if ledger == nil {
			continue
		}
		for _, member := range []string{"trips", "calls", "read_units", "write_units"} {
			if at(ledger, o.ID, member) == nil {
				f.add("%s: %s does not say its %s", o.ID, ledgerFile, member)
			}
		}
		if ok && units != unitsOf(ledger, o.ID) {
			f.add("%s: %s says %s units, the ledger %s", o.ID, patternsFile, units, unitsOf(ledger, o.ID))
		}
	}
	for id := range table {
		if !listed[id] {
			f.add("%s: the list has no %s", patternsFile, id)
		}
	}
	for line := range ledger {
		id, _, _ := strings.Cut(line, ",") // a case of its own: "send-outbox, one mail"
		if !listed[id] {
			f.add("%s: the list has no %s", ledgerFile, id)
		}
	}
}

// cellsOf splits a line of the table, false for any other line.
func cellsOf(line string) ([]string, bool) {
	line, ok := strings.CutPrefix(line, "//\t")
	if !ok || !strings.Contains(line, " | ") {
		return nil, false
	}
	cells := strings.Split(line, "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells, true
}

// KeysOf gives what the table of access patterns says of each operation's keys.
func KeysOf(patterns []byte) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(string(patterns)) {
		if cells, ok := cellsOf(line); ok && len(cells) == 5 {
			all[cells[0]] = cells[3]
		}
	}
	return all
}

// unitsOf writes what an operation reads and writes by the ledger; a dash when the ledger has not measured it.
func unitsOf(ledger map[string]any, id string) string {
	read, write := text(ledger, id, "read_units"), text(ledger, id, "write_units")
	if read == "" || write == "" {
		return "-"
	}
	return read + " / " + write
}

// Patterns gives the file of the table of access patterns with the units that the ledger has.
func Patterns(tree fs.FS) ([]byte, error) {
	ledger, err := load(tree, ledgerFile)
	if err != nil {
		return nil, err
	}
	patterns, err := fs.ReadFile(tree, patternsFile)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for line := range strings.Lines(string(patterns)) {
		if cells, ok := cellsOf(line); ok && len(cells) == 5 && cells[0] != "operation" {
			cells[4] = unitsOf(ledger, cells[0])
			line = "//\t" + strings.Join(cells, " | ") + "\n"
		}
		b.WriteString(line)
	}
	return []byte(b.String()), nil
}

// load reads a file of YAML into plain maps; a short intrinsic (!Ref) becomes its text.
func load(tree fs.FS, name string) (map[string]any, error) {
	raw, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, fmt.Errorf("%s: is not there", name)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s: empty", name)
	}
	m, ok := plain(doc.Content[0]).(map[string]any)
	if !ok {
		return nil, errors.New(name + ": not a map")
	}
	return m, nil
}

func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		l := []any{}
		for _, c := range n.Content {
			l = append(l, plain(c))
		}
		return l
	}
	return n.Value
}

// at goes down maps by their keys; nil when a step is not there.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		if v, ok = m[k]; !ok {
			return nil
		}
	}
	return v
}

func text(v any, keys ...string) string {
	s, _ := at(v, keys...).(string)
	return s
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}
