// Package export writes the package that a person receives under access or portability: a zip with a manifest, every
// record as JSON and as CSV, a JSON Schema for each file, and what is kept, disclosed and agreed to. It streams, so a
// package of any size is written in little memory, and the same content gives the same bytes.
package export

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"time"
)

// SchemaVersion is the version of the package's layout.
const SchemaVersion = "1.0"

// Head says what a package is.
type Head struct {
	Case          string    // the request's id
	Kind          string    // access, portability, …
	Generated     time.Time // to the second
	PolicyVersion int
}

// Record is one row as the export shows it: names of the registry, plain JSON values.
type Record map[string]any

// Set is all records of one file. Records may be called several times and gives the records in the same order each
// time; it stops at the first error of yield.
type Set struct {
	Name    string // data/<name>.json, data/<name>.csv, schema/<name>.json
	Title   string
	Columns []Column
	Records func(yield func(Record) error) error
}

// Column is one field of the records of a set.
type Column struct {
	Name        string
	Kind        string // of JSON Schema
	Description string
	Types       []string // the record types that have it; none means all
}

// Content is what goes into a package. The documents are written as JSON.
type Content struct {
	Sets        []Set // in the order given
	About       any   // about.json: purposes, recipients, periods, rights
	Retained    any   // retained-items.json
	Disclosures any   // disclosures.json
	Consents    any   // consents.json
	Files       []File
}

// File is a stored file of the person, under files/. It is read when it is written, in small pieces; one for which Open
// says ErrGone is left out.
type File struct {
	Path string
	Open func() (io.ReadCloser, error)
}

// Manifest lists every other file of the package.
type Manifest struct {
	SchemaVersion string   `json:"schema_version"`
	Case          string   `json:"case"`
	Kind          string   `json:"kind"`
	Generated     string   `json:"generated"` // RFC 3339
	PolicyVersion int      `json:"policy_version"`
	Files         []Listed `json:"files"`
}

// Listed is one file in the manifest.
type Listed struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"` // bytes
	SHA256  string `json:"sha256"`
	Records *int   `json:"records,omitempty"`
}

// ErrName says that a name is not fit for a file.
var ErrName = errors.New("export: not a file name")

// ErrGone says that a stored file was deleted since it was listed.
var ErrGone = errors.New("export: the file is gone")

var fit = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Write streams the package and gives its manifest, which is the last file in it.
func Write(w io.Writer, head Head, content Content) (Manifest, error) {
	b := &builder{zip: zip.NewWriter(w), at: head.Generated.UTC().Truncate(time.Second)}
	b.zip.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.DefaultCompression)
	})
	b.manifest = Manifest{SchemaVersion: SchemaVersion, Case: head.Case, Kind: head.Kind, Generated: b.at.Format(time.RFC3339),
		PolicyVersion: head.PolicyVersion, Files: []Listed{}}
	if err := b.all(content); err != nil {
		return Manifest{}, err
	}
	if err := b.zip.Close(); err != nil {
		return Manifest{}, fmt.Errorf("export: close: %w", err)
	}
	return b.manifest, nil
}

type builder struct {
	zip      *zip.Writer
	at       time.Time
	manifest Manifest
}

func (b *builder) all(c Content) error {
	if err := b.file("README.txt", func(w io.Writer) error { return readme(w, b.manifest, c) }); err != nil {
		return err
	}
	for _, d := range []struct {
		path    string
		content any
	}{{"about.json", c.About}, {"consents.json", c.Consents}, {"disclosures.json", c.Disclosures}, {"retained-items.json", c.Retained}} {
		if err := b.file(d.path, func(w io.Writer) error { return writeJSON(w, d.content) }); err != nil {
			return err
		}
	}
	for _, s := range c.Sets {
		if !fit.MatchString(s.Name) {
			return fmt.Errorf("%w: %q", ErrName, s.Name)
		}
		if err := b.set(s); err != nil {
			return fmt.Errorf("export %s: %w", s.Name, err)
		}
	}
	for _, f := range c.Files {
		if err := b.stored(f); err != nil {
			return err
		}
	}
	return b.last()
}

func (b *builder) set(s Set) error {
	if err := b.file("schema/"+s.Name+".json", func(w io.Writer) error { return writeJSON(w, Schema(s)) }); err != nil {
		return err
	}
	var n int
	if err := b.file("data/"+s.Name+".json", func(w io.Writer) (err error) { n, err = asJSON(w, s); return err }); err != nil {
		return err
	}
	b.count(n)
	if err := b.file("data/"+s.Name+".csv", func(w io.Writer) (err error) { n, err = asCSV(w, s); return err }); err != nil {
		return err
	}
	b.count(n)
	return nil
}

func (b *builder) count(n int) { b.manifest.Files[len(b.manifest.Files)-1].Records = &n }

func (b *builder) stored(f File) error {
	if !safePath(f.Path) {
		return fmt.Errorf("%w: %q", ErrName, f.Path)
	}
	r, err := f.Open()
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("export files/%s: %w", f.Path, err)
	}
	defer r.Close()
	return b.file("files/"+f.Path, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// file writes one file and puts it on the manifest.
func (b *builder) file(path string, write func(io.Writer) error) error {
	out, err := b.entry(path)
	if err != nil {
		return err
	}
	m := Measure(out)
	buffered := bufio.NewWriter(m)
	if err := write(buffered); err != nil {
		return fmt.Errorf("export %s: %w", path, err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("export %s: %w", path, err)
	}
	b.manifest.Files = append(b.manifest.Files, Listed{Path: path, Size: m.Size, SHA256: m.SHA256()})
	return nil
}

func (b *builder) last() error {
	out, err := b.entry("manifest.json")
	if err != nil {
		return err
	}
	return writeJSON(out, b.manifest)
}

func (b *builder) entry(path string) (io.Writer, error) {
	out, err := b.zip.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate, Modified: b.at})
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", path, err)
	}
	return out, nil
}

// Measured counts and hashes what goes through it.
type Measured struct {
	Size int64 // bytes
	to   io.Writer
	sum  hash.Hash
}

// Measure measures what goes to a writer.
func Measure(to io.Writer) *Measured { return &Measured{to: to, sum: sha256.New()} }

// Write passes bytes on.
func (m *Measured) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)
	m.sum.Write(p[:n]) // never fails
	m.Size += int64(n)
	return n, err
}

// SHA256 is the hash of what has gone through, in hexadecimal.
func (m *Measured) SHA256() string { return hex.EncodeToString(m.sum.Sum(nil)) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
