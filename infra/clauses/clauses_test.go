package clauses_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pixeltrack.io/platform/infra/clauses"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/catalog"
)

var update = flag.Bool("update", false, "write page.md anew")

// root is the tree, from here.
const root = "../.."

// operations is the catalog as the clauses see it.
func operations() []clauses.Operation {
	var all []clauses.Operation
	for _, r := range catalog.Routes() {
		all = append(all, clauses.Operation{ID: r.ID, Area: r.Area, Route: true})
	}
	for _, j := range catalog.Jobs() {
		all = append(all, clauses.Operation{ID: j.ID, Area: j.Area})
	}
	return all
}

func read(t *testing.T) []clauses.Clause {
	t.Helper()
	all, err := clauses.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryClauseIsKeptAndProven(t *testing.T) {
	for _, wrong := range clauses.Check(os.DirFS(root), read(t), operations()) {
		t.Error(wrong)
	}
}

func TestThePageSaysWhatTheClausesSay(t *testing.T) {
	page := []byte(clauses.Page(read(t)))
	if *update {
		if err := os.WriteFile("page.md", page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if golden, err := os.ReadFile("page.md"); err != nil || !bytes.Equal(golden, page) {
		t.Errorf("page.md says something else (%v); run with -update", err)
	}
}

// A promise whose mechanism is switched off turns its named test red. The tree stays as it is: the compiler is given the
// broken file in its place. Small, a few promises spread over the table are broken.
func TestASwitchedOffPromiseTurnsItsTestRed(t *testing.T) {
	var off []clauses.Clause
	for _, c := range read(t) {
		if c.Off != nil {
			off = append(off, c)
		}
	}
	tried := size.Of(2, len(off))
	for n := range tried {
		c := off[n*len(off)/tried]
		t.Run(c.Section, func(t *testing.T) {
			dir, name, ok := clauses.Test(c.Proof[0])
			if !ok {
				t.Fatalf("%q: its first proof is no test", c.Promise)
			}
			out, err := broken(t, c.Off, dir, name)
			if err == nil || !strings.Contains(out, "--- FAIL: "+name) {
				t.Errorf("%q: with %q for %q in %s, %s in %s is not red (%v):\n%s", c.Promise, c.Off.New, c.Off.Old, c.Off.File, name, dir, err, out)
			}
		})
	}
	t.Logf("%d of %d promises were broken, one by one", tried, len(off))
}

// broken runs a test in a tree with one change.
func broken(t *testing.T, s *clauses.Switch, dir, name string) (string, error) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(root, s.File))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.go")
	if err := os.WriteFile(changed, bytes.Replace(text, []byte(s.Old), []byte(s.New), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", list, "-vet=off", "-count=1", "-timeout=5m", "-run", "^"+name+"$", "./"+dir)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), size.Variable+"=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestWhatIsWrongWithAClauseIsSaid(t *testing.T) {
	tree := fstest.MapFS{
		"pkg/lamp/lamp.go":      {Data: []byte("package lamp\n\nconst On = true\n")},
		"pkg/lamp/lamp_test.go": {Data: []byte("package lamp\n\nfunc TestItShines(t *testing.T) {}\n")},
		"template.yaml":         {Data: []byte("Resources:\n  Lamp:\n    Watts: 40\n    Rules: [{Id: a}]\n")},
	}
	list := []clauses.Operation{{ID: "shine", Area: "lamp", Route: true}, {ID: "dim", Area: "lamp"}}
	whole := func() clauses.Clause {
		return clauses.Clause{Section: "1", Promise: "It shines.", Kept: []string{"shine"}, Proof: []string{"pkg/lamp TestItShines"},
			Off: &clauses.Switch{File: "pkg/lamp/lamp.go", Old: "true", New: "false"}}
	}
	tests := []struct {
		name   string
		change func(*clauses.Clause)
		want   string // nothing when all is well
	}{
		{"whole", func(*clauses.Clause) {}, ""},
		{"a line of a template", func(c *clauses.Clause) {
			c.Kept, c.Off = []string{"template.yaml Resources.Lamp.Rules.0.Id = a"}, nil
			c.Proof = []string{"template.yaml Resources.Lamp.Watts = 40"}
		}, ""},
		{"another value", func(c *clauses.Clause) { c.Kept = []string{"template.yaml Resources.Lamp.Watts = 60"} }, `it is "40"`},
		{"no such line", func(c *clauses.Clause) { c.Proof = append(c.Proof, "template.yaml Resources.Lamp.Volts = 6") }, "there is no Volts"},
		{"no such file", func(c *clauses.Clause) { c.Kept = []string{"other.yaml A = 1"} }, "not exist"},
		{"prose", func(c *clauses.Clause) { c.Proof = []string{"we are careful"} }, "neither an operation nor a test"},
		{"no promise", func(c *clauses.Clause) { c.Promise = "" }, "no section or promise"},
		{"no proof", func(c *clauses.Clause) { c.Proof, c.Off = nil, nil }, "nothing proves it"},
		{"no operation", func(c *clauses.Clause) { c.Kept = []string{"glow"} }, "there is no glow"},
		{"no test", func(c *clauses.Clause) { c.Proof = []string{"pkg/lamp TestItGlows"} }, "has no TestItGlows"},
		{"a part of a test's name", func(c *clauses.Clause) { c.Proof = []string{"pkg/lamp TestIt"} }, "has no TestIt"},
		{"a test of the whole stack breaks nothing", func(c *clauses.Clause) { c.Proof = []string{"infra/e2e TestItShines"} }, "a package's own"},
		{"nothing breaks it", func(c *clauses.Clause) { c.Off = nil }, "no change that breaks it"},
		{"the change does not fit", func(c *clauses.Clause) { c.Off.Old = "maybe" }, "0 times"},
		{"the change fits twice", func(c *clauses.Clause) { c.Off.Old = "n" }, "times in"},
		{"the change changes nothing", func(c *clauses.Clause) { c.Off.New = c.Off.Old }, "1 times"},
		{"pending", func(c *clauses.Clause) { *c = clauses.Clause{Section: "2", Promise: "It sings.", Pending: "song"} }, ""},
		{"pending, and the area is there", func(c *clauses.Clause) { *c = clauses.Clause{Section: "2", Promise: "It sings.", Pending: "lamp"} }, "there is shine"},
		{"pending, and the job is there", func(c *clauses.Clause) { *c = clauses.Clause{Section: "2", Promise: "It dims.", Pending: "dim"} }, "there is dim"},
		{"pending and kept", func(c *clauses.Clause) { c.Pending = "song" }, "at once"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := whole()
			tt.change(&c)
			got := fmt.Sprint(clauses.Check(tree, []clauses.Clause{c}, list))
			if tt.want == "" && got != "[]" || !strings.Contains(got, tt.want) {
				t.Errorf("%s; want %q in it", got, tt.want)
			}
		})
	}
}
