// Package trail is what the lists of what was done have in common, that of the audit records and that of the activity: the
// filter by time, member and object, the search for what no key serves, and the file for spreadsheets.
package trail

import (
	"bytes"
	"context"
	"encoding/csv"
	"time"

	"pixeltrack.io/platform/pkg/privacy/export"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Filter is which lines are wanted. Several parts of it narrow it together.
type Filter struct {
	From   time.Time `query:"from" doc:"Only what was done at this time or later." example:"2026-03-01T00:00:00Z"`
	To     time.Time `query:"to" doc:"Only what was done before this time." example:"2026-04-01T00:00:00Z"`
	Member string    `query:"member_id" maxLength:"64" doc:"Only what this member did." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Object string    `query:"object" maxLength:"64" doc:"Only what was done to this object, by its id." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
}

// Query is the part of the filter that the order of the lines serves: their time, the newest first.
func (f Filter) Query() (store.Query, error) {
	q := store.Query{Descending: true}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return q, problem.InvalidField("query.to", "not after from")
	}
	if !f.From.IsZero() {
		q.From = store.Instant(f.From)
	}
	if !f.To.IsZero() {
		q.To = store.Instant(f.To) // an instant alone sorts before every line of that instant
	}
	return q, nil
}

// mostRead is how many lines one call looks at in search of those that are wanted.
const mostRead = 5000

// Search reads the lines of one partition after the other that are wanted, up to the limit of a query. Without wants they
// all are. It says where to go on: in which of the partitions, behind the last when there is nothing more, and with which
// cursor. What few lines have is searched for among those of the time, so that writing one, which is done all day, costs
// no index; a page may end before its limit.
func Search[T any, P interface {
	*T
	store.Row
}](ctx context.Context, h store.Bound, q store.Query, partitions []string, wants func(P) bool) (lines []P, at int, cursor string, err error) {
	limit, read := q.Limit, 0
	for at < len(partitions) {
		piece := limit - len(lines)
		if wants != nil {
			piece = (limit + 1) / 2 // lines are taken as they were read, so a piece must fit into what is left of the page
		}
		if piece < 1 || len(lines)+piece > limit || read >= mostRead {
			break
		}
		q.Partition, q.Limit = partitions[at], piece
		page, next, err := store.List[T, P](ctx, h, q)
		if err != nil {
			return nil, 0, "", err
		}
		for _, line := range page {
			if wants == nil || wants(line) {
				lines = append(lines, line)
			}
		}
		read += len(page)
		if q.Cursor = next; next == "" {
			at++
		}
	}
	return lines, at, q.Cursor, nil
}

// PerFile is how many lines one file holds at most: about a megabyte and a half, which an answer can carry.
const PerFile = 5000

// File is the answer of a route that gives lines as a file.
type File struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	NextCursor  string `header:"Next-Cursor" doc:"Of the next file; absent when this is the last."`
	Body        []byte
}

// CSV writes a file of some name (RFC 4180) with a line of names. Cells that a spreadsheet could run as a formula begin with
// an apostrophe.
func CSV(name, next string, names []string, lines [][]string) (*File, error) {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	w.UseCRLF = true
	_ = w.Write(names) // Error tells
	for _, line := range lines {
		for i := range line {
			line[i] = export.Safe(line[i])
		}
		_ = w.Write(line)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, err
	}
	return &File{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="` + name + `"`, NextCursor: next, Body: file.Bytes()}, nil
}
