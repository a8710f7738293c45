// Package assurance is the register of the audit reports of those who process data for PixelTrack (policy 5): which report
// was seen, and until when it counts. What the register of sub-processors names and nobody has seen a report of is missing,
// and is shown so.
package assurance

import (
	"context"
	"net/http"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/subprocessors"
)

// Family holds the reports.
const Family store.Family = "ASSURANCE"

// Warning is how long before a report expires the alarm is raised.
const Warning = 30 * 24 * time.Hour

// Report is the newest report of one provider by one standard.
type Report struct {
	store.Meta
	Provider string   `dynamo:"provider"` // from the register of sub-processors
	Standard string   `dynamo:"standard"`
	Document string   `dynamo:"document"` // where it is filed
	Issued   int64    `dynamo:"issued"`   // epoch seconds, as all times here
	Expires  int64    `dynamo:"expires"`
	Seen     int64    `dynamo:"seen"`
	SeenBy   id.Staff `dynamo:"seen_by"`
}

// Type is the row's type.
func (r *Report) Type() string { return "ASSURANCE" }

// Keys puts the newest report under its provider and standard.
func (r *Report) Keys() store.Keys {
	return store.Keys{Primary: store.PlatformScope().Key(Family, r.Provider, r.Standard)}
}

// Expired says whether the report counts no more at a time.
func (r *Report) Expired(now time.Time) bool { return r.Expires <= now.Unix() }

// Body is one report that the register of sub-processors asks for.
type Body struct {
	Provider string     `json:"provider" example:"resend"`
	Standard string     `json:"standard" example:"SOC 2 Type II"`
	State    string     `json:"state" enum:"valid,expiring,expired,missing" doc:"expiring: within 30 days."`
	Document string     `json:"document,omitempty"`
	Issued   *time.Time `json:"issued_at,omitempty"`
	Expires  *time.Time `json:"expires_at,omitempty"`
	Seen     *time.Time `json:"seen_at,omitempty"`
	SeenBy   id.Staff   `json:"seen_by,omitempty"`
}

func body(r *Report, now time.Time) Body {
	b := Body{Provider: r.Provider, Standard: r.Standard, State: "valid", Document: r.Document, Issued: clock.Moment(r.Issued), Expires: clock.Moment(r.Expires), Seen: clock.Moment(r.Seen), SeenBy: r.SeenBy}
	switch {
	case r.Seen == 0:
		b.State = "missing"
	case r.Expired(now):
		b.State = "expired"
	case r.Expires <= now.Add(Warning).Unix():
		b.State = "expiring"
	}
	return b
}

// wanted lists what the register of sub-processors names, as reports that nobody has seen.
func wanted(providers []subprocessors.Provider) []*Report {
	var all []*Report
	for _, p := range providers {
		if p.Status == subprocessor.Ended {
			continue
		}
		for _, a := range p.Assurance {
			all = append(all, &Report{Provider: p.ID, Standard: a.Standard})
		}
	}
	return all
}

// All reads the register: every report that is wanted, with what was seen of it.
func All(ctx context.Context, p *store.Platform, now time.Time) ([]*Report, error) {
	providers, err := subprocessors.All(ctx, p, now)
	if err != nil {
		return nil, err
	}
	all := wanted(providers)
	for seen, err := range store.All[Report](ctx, p, store.Query{Partition: p.Scope().Partition(Family), Limit: 100}) {
		if err != nil {
			return nil, err
		}
		for n, r := range all {
			if r.Provider == seen.Provider && r.Standard == seen.Standard {
				all[n] = seen
			}
		}
	}
	return all, nil
}

// Routes lists the routes about assurance.
func Routes() []api.Operation { return []api.Operation{ListAssurance(), RecordAssurance(nil)} }

func example() Body {
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	expires := seen.AddDate(1, 0, 0)
	return Body{Provider: "resend", Standard: "SOC 2 Type II", State: "valid", Document: "reports/resend-2026.pdf", Issued: &seen, Expires: &expires, Seen: &seen, SeenBy: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
}

// ListOut is the answer of list-assurance.
type ListOut struct{ Body ListBody }

// ListBody is the whole register.
type ListBody struct {
	Data []Body `json:"data" doc:"In the order of the register of sub-processors."`
}

// ListAssurance shows the register.
func ListAssurance() api.Operation {
	return api.New(api.Route{
		ID: "list-assurance", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/assurance", Audience: api.Staff, Audit: true, Permission: access.AssuranceRead,
		Summary: "The audit reports of those who process data for PixelTrack", Purpose: purpose.Security, ExampleOut: ListBody{Data: []Body{example()}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*ListOut, error) {
		all, err := All(ctx, c.Platform(), c.Now)
		if err != nil {
			return nil, err
		}
		out := &ListOut{ListBody{Data: make([]Body, len(all))}}
		for n, r := range all {
			out.Body.Data[n] = body(r, c.Now)
		}
		return out, nil
	})
}

// RecordIn is the input of record-assurance.
type RecordIn struct {
	Body struct {
		Provider string    `json:"provider" maxLength:"64" doc:"From the register of sub-processors." example:"resend"`
		Standard string    `json:"standard" maxLength:"64" doc:"One that the register names of the provider." example:"SOC 2 Type II"`
		Document string    `json:"document" minLength:"1" maxLength:"200" doc:"Where the report is filed." example:"reports/resend-2026.pdf"`
		Issued   time.Time `json:"issued_at"`
		Expires  time.Time `json:"expires_at" doc:"Until when it counts."`
	}
}

func exampleIn() any {
	in, out := RecordIn{}.Body, example()
	in.Provider, in.Standard, in.Document, in.Issued, in.Expires = out.Provider, out.Standard, out.Document, *out.Issued, *out.Expires
	return in
}

// RecordOut is the answer of record-assurance.
type RecordOut struct{ Body Body }

// RecordAssurance says that a report was seen.
func RecordAssurance(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "record-assurance", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/assurance", Audience: api.Staff, Audit: true, Permission: access.AssuranceWrite,
		Status: http.StatusCreated, Summary: "Say that an audit report was seen", Purpose: purpose.Security,
		Description: "It takes the place of the one before. An alarm is raised 30 days before it expires.", ExampleIn: exampleIn(), ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *RecordIn) (*RecordOut, error) {
		b := in.Body
		providers, err := subprocessors.All(ctx, c.Platform(), c.Now)
		if err != nil {
			return nil, err
		}
		asked := wanted(providers)
		switch {
		case !slices.ContainsFunc(asked, func(r *Report) bool { return r.Provider == b.Provider }):
			return nil, problem.InvalidField("body.provider", "not in the register of sub-processors")
		case !slices.ContainsFunc(asked, func(r *Report) bool { return r.Provider == b.Provider && r.Standard == b.Standard }):
			return nil, problem.InvalidField("body.standard", "the register names no such standard of the provider")
		case b.Issued.After(c.Now):
			return nil, problem.InvalidField("body.issued_at", "a time that has been")
		case !b.Expires.After(c.Now):
			return nil, problem.InvalidField("body.expires_at", "a time that is to come")
		}
		r := &Report{Provider: b.Provider, Standard: b.Standard, Document: b.Document, Issued: b.Issued.Unix(), Expires: b.Expires.Unix(), Seen: c.Now.Unix(), SeenBy: c.Staff.ID}
		tx, p := st.Begin(), c.Platform()
		tx.Put(p, r)
		deadline.Set(tx, p, b.Provider+" "+b.Standard, "assurance_expires", b.Expires.Add(-Warning))
		if err := c.Commit(ctx, tx, b.Provider); err != nil {
			return nil, err
		}
		return &RecordOut{body(r, c.Now)}, nil
	})
}

// Rows registers the row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Report{}, Type: "ASSURANCE", Area: "admin", Purpose: purpose.Security, Basis: registry.Interest,
		Class: registry.ClassPlatform, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("provider", "a fixed word"), registry.Internal("standard", "a fixed word"), registry.Internal("document", "where a report is filed"),
			registry.Internal("issued", "a time"), registry.Internal("expires", "a time"), registry.Internal("seen", "a time"),
			registry.Internal("seen_by", "the id of one of PixelTrack's own people"),
		}}}
}
