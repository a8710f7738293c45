package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// asJSON writes the records as one array, a record a line.
func asJSON(w io.Writer, s Set) (int, error) {
	n := 0
	if _, err := io.WriteString(w, "["); err != nil {
		return 0, err
	}
	err := s.Records(func(r Record) error {
		separator := ",\n"
		if n == 0 {
			separator = "\n"
		}
		n++
		text, err := compact(map[string]any(r))
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, separator+text)
		return err
	})
	if err != nil {
		return n, err
	}
	_, err = io.WriteString(w, "\n]\n")
	return n, err
}

// asCSV writes the records as RFC 4180 with a head line of the columns.
func asCSV(w io.Writer, s Set) (int, error) {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	line := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		line[i] = Safe(c.Name)
	}
	if err := out.Write(line); err != nil {
		return 0, err
	}
	n := 0
	err := s.Records(func(r Record) error {
		n++
		for i, c := range s.Columns {
			cell, err := cellOf(r[c.Name])
			if err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
			line[i] = cell
		}
		return out.Write(line)
	})
	if err != nil {
		return n, err
	}
	out.Flush()
	return n, out.Error()
}

// cellOf writes one value; texts are made safe, lists and objects are JSON.
func cellOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return Safe(v), nil
	case bool, int, int64, float64, json.Number:
		return fmt.Sprint(v), nil
	}
	text, err := compact(v)
	return Safe(text), err
}

// Safe makes a text harmless to a spreadsheet: what a program could take for a formula gets an apostrophe in front.
func Safe(text string) string {
	first := strings.TrimLeft(text, " \u00a0\u3000\ufeff")
	if first == "" {
		return text
	}
	r := []rune(first)[0]
	if strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", r) {
		return "'" + text
	}
	return text
}

func compact(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// Schema is the JSON Schema (2020-12) of a set's JSON file.
func Schema(s Set) map[string]any {
	properties := map[string]any{}
	for _, c := range s.Columns {
		p := map[string]any{"type": kindOf(c.Kind), "description": c.Description}
		if len(c.Types) > 0 {
			p["description"] = fmt.Sprintf("%s (of %s)", c.Description, strings.Join(c.Types, ", "))
		}
		properties[c.Name] = p
	}
	return map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "https://pixeltrack.io/schema/export/" + SchemaVersion + "/" + s.Name + ".json",
		"title":       s.Title,
		"type":        "array",
		"items":       map[string]any{"type": "object", "properties": properties, "additionalProperties": false, "required": []string{"record_type"}},
		"description": "All records of data/" + s.Name + ".json. Times that are whole numbers are seconds since 1970-01-01 UTC.",
	}
}

func kindOf(kind string) any {
	if slices.Contains([]string{"string", "integer", "number", "boolean", "array", "object"}, kind) {
		return kind
	}
	return []string{"string", "number", "boolean", "array", "object", "null"}
}

// safePath keeps a stored file's path inside the package.
func safePath(p string) bool {
	return p != "" && path.Clean("/"+p) == "/"+p && !strings.ContainsAny(p, "\\\x00:")
}

func readme(w io.Writer, m Manifest, c Content) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Your data from PixelTrack\n\nRequest  %s (%s)\nMade     %s\nPolicy   version %d\n\n", m.Case, m.Kind, m.Generated, m.PolicyVersion)
	b.WriteString("about.json           what your data is used for, on which basis, who receives it, how long it is kept, and your rights\n" +
		"consents.json        what you agreed to, refused or took back, with the texts\n" +
		"disclosures.json     who received data of yours\n" +
		"retained-items.json  what the law makes us keep, and until when\n" +
		"manifest.json        every file with its size and SHA-256\n\n" +
		"Each file below is there twice: data/….json for programs, data/….csv for spreadsheets (RFC 4180, UTF-8).\n" +
		"schema/….json describes the JSON file (JSON Schema 2020-12). In the CSV files an apostrophe in front of a text\n" +
		"keeps a spreadsheet from running it as a formula; the JSON files hold every text as it is.\n\n")
	for _, s := range c.Sets {
		fmt.Fprintf(&b, "data/%s  %s\n", s.Name, s.Title)
	}
	if len(c.Files) > 0 {
		b.WriteString("files/  files that you stored\n")
	}
	b.WriteString("\nQuestions: privacy@pixeltrack.io. You may also complain to your data protection authority.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
