package export_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/pkg/privacy/export"
)

var head = export.Head{Case: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Kind: "access", PolicyVersion: 1,
	Generated: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}

func notes(texts ...string) export.Set {
	return export.Set{Name: "notes", Title: "Your notes",
		Columns: []export.Column{
			{Name: "record_type", Kind: "string", Description: "what it is"},
			{Name: "text", Kind: "string", Description: "what it says"},
			{Name: "count", Kind: "integer", Description: "how many"},
			{Name: "tags", Kind: "array", Description: "its tags"},
		},
		Records: func(yield func(export.Record) error) error {
			for i, text := range texts {
				err := yield(export.Record{"record_type": "NOTE", "text": text, "count": -i, "tags": []any{"a", "=b"}})
				if err != nil {
					return err
				}
			}
			return nil
		}}
}

func content(texts ...string) export.Content {
	return export.Content{Sets: []export.Set{notes(texts...)}, About: map[string]any{"sold": []string{}},
		Consents: []any{}, Disclosures: []any{}, Retained: []any{},
		Files: []export.File{{Path: "avatar/a.png", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("picture")), nil
		}}}}
}

func build(t testing.TB, c export.Content) (map[string][]byte, export.Manifest, []byte) {
	t.Helper()
	var out bytes.Buffer
	if _, err := export.Write(&out, head, c); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = b
	}
	var m export.Manifest
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	return files, m, out.Bytes()
}

func TestTheManifestNamesEveryFileAsItIs(t *testing.T) {
	files, m, _ := build(t, content("one", "two"))
	if m.SchemaVersion != export.SchemaVersion || m.Case != head.Case || m.Generated != "2026-11-23T10:00:00Z" {
		t.Errorf("manifest = %+v; want the head's case and time", m)
	}
	if len(m.Files) != len(files)-1 {
		t.Errorf("the manifest lists %d files of %d", len(m.Files), len(files)-1)
	}
	for _, f := range m.Files {
		sum := sha256.Sum256(files[f.Path])
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Size != int64(len(files[f.Path])) {
			t.Errorf("%s: the manifest says %d bytes, %s", f.Path, f.Size, f.SHA256)
		}
		if strings.HasPrefix(f.Path, "data/") && (f.Records == nil || *f.Records != 2) {
			t.Errorf("%s: records = %v; want 2", f.Path, f.Records)
		}
	}
	for _, path := range []string{"README.txt", "about.json", "consents.json", "disclosures.json", "retained-items.json",
		"data/notes.json", "data/notes.csv", "schema/notes.json", "files/avatar/a.png"} {
		if files[path] == nil {
			t.Errorf("no %s", path)
		}
	}
}

func TestTheSameContentGivesTheSameBytes(t *testing.T) {
	_, _, a := build(t, content("one", "two"))
	_, _, b := build(t, content("one", "two"))
	if !bytes.Equal(a, b) {
		t.Error("two runs differ")
	}
}

func TestFormulasAreHarmless(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"equals", "=HYPERLINK(\"http://example.com\")", "'=HYPERLINK(\"http://example.com\")"},
		{"plus", "+1+1", "'+1+1"},
		{"minus", "-2+3", "'-2+3"},
		{"at", "@SUM(A1)", "'@SUM(A1)"},
		{"tab before it", "\t=1", "'\t=1"},
		{"carriage return before it", "\r=1", "'\r=1"},
		{"space before it", "  =1", "'  =1"},
		{"full width", "＝1", "'＝1"},
		{"pipe", "|calc", "'|calc"},
		{"a mark inside", "a=b", "a=b"},
		{"plain", "Ada Example", "Ada Example"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, _, _ := build(t, content(tt.in))
			rows, err := csv.NewReader(bytes.NewReader(files["data/notes.csv"])).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			// A reader of RFC 4180 takes CRLF inside quotes as LF.
			if got, want := rows[1][1], strings.ReplaceAll(tt.want, "\r", ""); strings.ReplaceAll(got, "\r", "") != want {
				t.Errorf("the cell of %q = %q; want %q", tt.in, got, want)
			}
			if rows[1][2] != "0" {
				t.Errorf("the number = %q; want 0 as it is", rows[1][2])
			}
			var records []map[string]any
			if err := json.Unmarshal(files["data/notes.json"], &records); err != nil {
				t.Fatal(err)
			}
			if records[0]["text"] != tt.in {
				t.Errorf("the JSON says %q; want %q unchanged", records[0]["text"], tt.in)
			}
		})
	}
}

func TestAnyTextSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var out bytes.Buffer
		c := content(text)
		if _, err := export.Write(&out, head, c); err != nil {
			t.Fatal(err)
		}
		safe := export.Safe(text)
		if safe != text && safe != "'"+text {
			t.Fatalf("Safe(%q) = %q", text, safe)
		}
		if first := strings.TrimLeft(safe, " "); first != "" && strings.ContainsRune("=+-@\t\r\n", []rune(first)[0]) {
			t.Fatalf("Safe(%q) = %q still begins a formula", text, safe)
		}
	})
}

func TestSchema(t *testing.T) {
	files, _, _ := build(t, content("one"))
	var s struct {
		Schema string `json:"$schema"`
		Type   string
		Items  struct {
			Properties map[string]struct{ Type, Description string }
			Additional *bool `json:"additionalProperties"`
		}
	}
	if err := json.Unmarshal(files["schema/notes.json"], &s); err != nil {
		t.Fatal(err)
	}
	if s.Schema != "https://json-schema.org/draft/2020-12/schema" || s.Type != "array" || s.Items.Additional == nil || *s.Items.Additional {
		t.Errorf("schema = %+v; want a closed 2020-12 schema of an array", s)
	}
	if s.Items.Properties["count"].Type != "integer" || s.Items.Properties["tags"].Type != "array" {
		t.Errorf("properties = %v; want count an integer and tags an array", s.Items.Properties)
	}
}

func TestNamesStayInside(t *testing.T) {
	for _, name := range []string{"", "../etc", "a/b", "A", "notes.json"} {
		c := content("one")
		c.Sets[0].Name = name
		if _, err := export.Write(io.Discard, head, c); !errors.Is(err, export.ErrName) {
			t.Errorf("a set named %q: %v; want ErrName", name, err)
		}
	}
	for _, path := range []string{"", "../x", "/x", "a//b", "a\\b", "c:x", "a/../../b"} {
		c := content("one")
		c.Files[0].Path = path
		if _, err := export.Write(io.Discard, head, c); !errors.Is(err, export.ErrName) {
			t.Errorf("a file at %q: %v; want ErrName", path, err)
		}
	}
}

func TestAFailingSourceFailsThePackage(t *testing.T) {
	gone := errors.New("the store is gone")
	c := content("one")
	c.Sets[0].Records = func(func(export.Record) error) error { return gone }
	if _, err := export.Write(io.Discard, head, c); !errors.Is(err, gone) {
		t.Errorf("Write = %v; want %v", err, gone)
	}
}

func TestAFileThatIsGoneIsLeftOut(t *testing.T) {
	c := content("one")
	c.Files = append(c.Files, export.File{Path: "gone.txt", Open: func() (io.ReadCloser, error) { return nil, export.ErrGone }})
	files, m, _ := build(t, c)
	if _, there := files["files/gone.txt"]; there || len(m.Files) != len(files)-1 {
		t.Errorf("the package holds %d files, its manifest names %d; want the one that is gone in neither", len(files), len(m.Files))
	}
	broken := errors.New("the bucket is down")
	c.Files = append(c.Files, export.File{Path: "there.txt", Open: func() (io.ReadCloser, error) { return nil, broken }})
	if _, err := export.Write(io.Discard, head, c); !errors.Is(err, broken) {
		t.Errorf("Write = %v; want %v", err, broken)
	}
}

// stream is a file of a size that looks at the memory in use while it is read.
type stream struct {
	left int64
	most uint64
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, io.EOF
	}
	if n := min(int64(len(p)), s.left); s.left/(32<<20) != (s.left-n)/(32<<20) {
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		s.most = max(s.most, now.HeapAlloc)
	}
	n := min(int64(len(p)), s.left)
	s.left -= n
	return int(n), nil
}

func (s *stream) Close() error { return nil }

func TestMemoryIsFlatForFiles(t *testing.T) {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	large := &stream{left: 256 << 20}
	c := content()
	c.Files = []export.File{{Path: "large.bin", Open: func() (io.ReadCloser, error) { return large, nil }}}
	m, err := export.Write(io.Discard, head, c)
	if err != nil {
		t.Fatal(err)
	}
	if f := m.Files[len(m.Files)-1]; f.Path != "files/large.bin" || f.Size != 256<<20 {
		t.Errorf("the manifest names %+v", f)
	}
	if used := large.most - min(large.most, before.HeapAlloc); used > 4<<20 {
		t.Errorf("a file of 256 MB takes %d bytes; want a few", used)
	}
}

func TestMemoryIsFlat(t *testing.T) {
	records := func(n int) export.Content {
		c := content()
		c.Sets[0].Records = func(yield func(export.Record) error) error {
			for range n {
				if err := yield(export.Record{"record_type": "NOTE", "text": strings.Repeat("words ", 40)}); err != nil {
					return err
				}
			}
			return nil
		}
		return c
	}
	live := func(n int) uint64 {
		runtime.GC()
		var before, peak runtime.MemStats
		runtime.ReadMemStats(&before)
		var most uint64
		c := records(n)
		inner, i := c.Sets[0].Records, 0
		c.Sets[0].Records = func(yield func(export.Record) error) error {
			return inner(func(r export.Record) error {
				if i++; i%(n/4) == 0 {
					runtime.GC()
					runtime.ReadMemStats(&peak)
					most = max(most, peak.HeapAlloc)
				}
				return yield(r)
			})
		}
		if _, err := export.Write(io.Discard, head, c); err != nil {
			t.Fatal(err)
		}
		return most - min(most, before.HeapAlloc)
	}
	small, large := live(400), live(20_000)
	if large > small+2<<20 {
		t.Errorf("20,000 records take %d bytes, 400 take %d; want the same and a little", large, small)
	}
}
