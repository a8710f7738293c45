package feed

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/store"
)

// Kind is a row type whose changes are acts.
type Kind struct {
	Row    string // CLIENT
	Name   string // client, as the API calls it
	Object string // the attribute that holds the object's id
	Parent string // the attribute that holds the id of what it belongs to; empty for none
	Status string // the attribute that holds its state; empty for none

	Watched []string // the attributes whose change alone is an act; without any it is what the row is changed for
	Counts  []string // attributes that change for others' sake
	Removal string   // the attribute that says that the object has gone, while its row stays
	People  bool     // jobs change many at once, which shows on what they do it for
	Beside  bool     // another row of the same object tells of its beginning
}

// Kinds is the one table of what the feed tells of. Counts that a row keeps of others are no acts, nor are marks.
func Kinds() []Kind {
	return []Kind{
		{Row: "CLIENT", Name: "client", Object: "id", Status: "status"},
		{Row: "CONTACT", Name: "contact", Object: "id", Parent: "client"},
		{Row: "PROJECT", Name: "project", Object: "id", Parent: "client", Status: "status"},
		{Row: "PROJECTMEMBER", Name: "project_member", Object: "member", Parent: "project", Status: "role"},
		{Row: "TIMEENTRY", Name: "time_entry", Object: "id", Parent: "project", People: true},
		{Row: "STOREDFILE", Name: "file", Object: "id", Parent: "parent", Status: "state"},
		{Row: "INVOICE", Name: "invoice", Object: "id", Parent: "client", Status: "status"},
		{Row: "PAYMENT", Name: "payment", Object: "id", Parent: "invoice"},
		{Row: "TICKET", Name: "ticket", Object: "id", Status: "status"},
		{Row: "ACCESS", Name: "member", Object: "member", Status: "role", Counts: []string{"receiving", "user"}, Removal: "removed"},
		{Row: "ORGANIZATION", Name: "organization", Object: "org"},
		{Row: "ORGGATE", Name: "organization", Object: "org", Status: "status", Watched: []string{"status"}, Beside: true},
	}
}

// kindOf finds the kind of a row type, false when the feed tells nothing of it.
func kindOf(row string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Row == row {
			return k, true
		}
	}
	return Kind{}, false
}

// Names lists what the objects of acts are called, each once.
func Names() []string {
	var all []string
	for _, k := range Kinds() {
		if !slices.Contains(all, k.Name) {
			all = append(all, k.Name)
		}
	}
	return all
}

// silent says of the jobs of retention and erasure that what they do is nobody's act. It is in the purge ledger.
func silent(job string) bool {
	switch job {
	case "cascade-expired", "erase-recipients", "replay-ledger", "sweep-retention", "work-requests":
		return true
	}
	return false
}

// ErrMalformed says that a change lacks what an act is made of.
var ErrMalformed = errors.New("feed: a change that no act can be read from")

// Read reads the act off a record of the stream; nil when the record tells of none. What it gives depends on the record
// alone, so that a record which comes again gives the act under the same key. Rows that went without a tombstone, by TTL,
// a purge or an erasure, are no acts, and a tombstone names no actor: who deleted what is in the audit records.
func Read(r job.Record) (*Act, error) {
	is, was := r.Change.New, r.Change.Old
	if is == nil {
		return nil, nil
	}
	kind, verb := is.Text("_type"), Changed
	object := is
	switch {
	case kind == store.TombstoneType:
		kind, verb, object = is.Text("of"), Deleted, was
	case was.Text("_type") != kind || is.Number("_v") == "1":
		verb, was = Created, nil // what was there, a tombstone or an expired row, is another life
	}
	k, ok := kindOf(kind)
	if !ok {
		return nil, nil
	}
	scope, _ := store.ScopeOf(is.Text("PK"))
	org, ok := scope.Organization()
	if !ok {
		return nil, nil // a correspondent's ticket
	}
	who, request, _ := strings.Cut(is.Text("_by"), "/")
	if k.skips(verb, is, was) || k.hidden(who) {
		return nil, nil
	}
	when, version := moment(is, verb, r.Change.At), is.Number("_v")
	if when.IsZero() || version == "" || object.Text(k.Object) == "" {
		return nil, ErrMalformed
	}
	a := &Act{Org: org, Kind: k.Name, Object: object.Text(k.Object), Parent: object.Text(k.Parent), Verb: verb, Actor: actor(who), Request: request, At: when.UnixMilli(),
		ID: id.Derived[id.Act](when, store.Join(is.Text("PK"), is.Text("SK"), version))}
	if k.Removal != "" && is.Number(k.Removal) != "" && was.Number(k.Removal) == "" {
		a.Verb = Deleted
	}
	if a.Verb == Changed && is.Text(k.Status) != was.Text(k.Status) {
		a.Status = is.Text(k.Status)
	}
	a.Expire(when.Add(Life))
	return a, nil
}

// skips says whether a change of a row is no act: a count that it keeps of others, a mark, or what another row tells of.
func (k Kind) skips(verb Verb, is, was job.Image) bool {
	differs := func(name string) bool { return !reflect.DeepEqual(is[name], was[name]) }
	switch {
	case verb == Created:
		return k.Beside
	case verb == Deleted:
		return false
	case k.Watched != nil:
		return !slices.ContainsFunc(k.Watched, differs)
	case is.Number("updated") != "":
		return !differs("updated")
	}
	for _, image := range []job.Image{is, was} {
		for name := range image {
			if !carried(name) && !slices.Contains(k.Counts, name) && differs(name) {
				return false
			}
		}
	}
	return true
}

// carried says of the attributes that every row has, see store.Meta, that they are none of its own.
func carried(name string) bool {
	switch name {
	case "PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "_type", "_v", "_by", "expires_at", "due_at", "held", "restricted":
		return true
	}
	return false
}

// hidden says whether what somebody did to objects of the kind is not shown.
func (k Kind) hidden(who string) bool {
	name, ok := strings.CutPrefix(who, "job:")
	return ok && (k.People || silent(name))
}

// moment is when a change was made: when the row says so, to the millisecond, and otherwise when the stream does, to the
// second. It is zero when neither does.
func moment(is job.Image, verb Verb, seen float64) time.Time {
	if place := is.Text("GSI2SK"); verb == Deleted && place != "" {
		if at, err := store.ParseInstant(store.Parts(place)[0]); err == nil {
			return at
		}
	}
	if ms, err := strconv.ParseInt(is.Number("updated"), 10, 64); err == nil && ms > 0 {
		return time.UnixMilli(ms).UTC()
	}
	if seen > 0 {
		return time.Unix(int64(seen), 0).UTC()
	}
	return time.Time{}
}

// actor is who acted, where the row says so by a member's id or a job's. Anybody else is not told: the client who opened an
// invoice, a provider, one of PixelTrack's own people, of whom the audit records tell.
func actor(who string) string {
	if _, err := id.Parse[id.Member](who); err == nil || strings.HasPrefix(who, "job:") {
		return who
	}
	return ""
}
