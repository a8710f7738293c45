package policies

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// notBefore is how long before its effect a version is published that people are not told of. See InEffect.
const notBefore = 24 * time.Hour

// Routes lists the route about policies.
func Routes() []api.Operation { return []api.Operation{CreatePolicy(nil)} }

// Body is a version as PixelTrack's own people see it. Its text is public.
type Body struct {
	Version      int             `json:"version" example:"2"`
	Effective    string          `json:"effective_on" format:"date" doc:"The day it takes effect, UTC."`
	Material     bool            `json:"material"`
	Summary      string          `json:"summary"`
	SHA256       string          `json:"sha256"`
	PublishedAt  time.Time       `json:"published_at"`
	By           id.Staff        `json:"published_by"`
	Announcement id.Announcement `json:"announcement_id,omitempty" doc:"By which everybody is told; absent of a change that is not material."`
}

// Out is the answer of create-policy.
type Out struct{ Body Body }

func show(v *Version) *Out {
	return &Out{Body{Version: v.Number, Effective: clock.At(v.Effective).Format(time.DateOnly), Material: v.Material, Summary: v.Summary, SHA256: v.SHA256,
		PublishedAt: clock.At(v.Published), By: v.By, Announcement: v.Announcement}}
}

// CreateIn is the input of create-policy.
type CreateIn struct {
	Body struct {
		Version   int    `json:"version" minimum:"1" maximum:"999999" doc:"One more than the newest." example:"2"`
		Text      string `json:"text" minLength:"1" maxLength:"200000" doc:"The whole policy, Markdown."`
		SHA256    string `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"The hash of the bytes of text, in hexadecimal: of what was approved."`
		Summary   string `json:"summary" minLength:"1" maxLength:"1000" doc:"What changes, in words for everybody." example:"Invoices are kept for eight years."`
		Material  bool   `json:"material" doc:"Whether people are told before it takes effect. A new purpose, category, recipient, country or a longer retention is material."`
		Effective string `json:"effective_on" format:"date" doc:"The day it takes effect, UTC: of a material change 30 days ahead or more, of any other a day." example:"2026-05-01"`
	}
}

func exampleIn() any {
	in := CreateIn{}.Body
	v := policy.Version{Text: []byte("# PixelTrack Privacy Policy …")}
	in.Version, in.Text, in.SHA256, in.Summary, in.Material, in.Effective = 2, string(v.Text), v.SHA256(), "Invoices are kept for eight years.", true, "2026-05-01"
	return in
}

func exampleOut() Body {
	v := policy.Version{Text: []byte("# PixelTrack Privacy Policy …")}
	return Body{Version: 2, Effective: "2026-05-01", Material: true, Summary: "Invoices are kept for eight years.", SHA256: v.SHA256(),
		PublishedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), By: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Announcement: "ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
}

// CreatePolicy publishes a version of the privacy policy.
func CreatePolicy(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-policy", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/policies", Audience: api.Staff, Audit: true, Permission: access.PoliciesWrite,
		Fresh: access.StaffFresh, Status: http.StatusCreated, Summary: "Publish a version of the privacy policy", Purpose: purpose.PrivacyRights,
		Description: "It is served at once and takes effect on its day; nothing of it can be changed or taken back, a mistake is mended by the next version. " +
			"Of a material change everybody is told, in the app and by mail.",
		ExampleIn: exampleIn(), ExampleOut: exampleOut(), Refusals: []api.Refusal{
			{Kind: problem.Conflict, Code: "policy_version_taken", When: "The newest version is another than the one before this."}},
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		b, p := in.Body, c.Platform()
		v := policy.Version{Number: b.Version, Material: b.Material, Summary: b.Summary, Text: []byte(b.Text)}
		if b.SHA256 != v.SHA256() {
			return nil, problem.InvalidField("body.sha256", "not the hash of the text")
		}
		day, err := time.Parse(time.DateOnly, b.Effective)
		if err != nil {
			return nil, problem.InvalidField("body.effective_on", "not a day")
		}
		if v.Effective = day; day.Before(c.Now.Add(ahead(b.Material))) {
			return nil, problem.InvalidField("body.effective_on", "too soon: people must be told of a material change 30 days before, and a day is the least")
		}
		last, err := newest(ctx, p)
		if err != nil {
			return nil, err
		}
		if b.Version != last.Number+1 {
			return nil, taken()
		}
		if day.Before(last.Effective) {
			return nil, problem.InvalidField("body.effective_on", "not before the version before takes effect")
		}
		row := publish(c, v)
		tx := st.Begin()
		tx.Create(p, row).Else(taken())
		tx.Create(p, &Text{Number: v.Number, Text: b.Text}).Else(taken())
		if v.Material {
			notices.Announce(tx, p, announcement(row))
		}
		if err := c.Commit(ctx, tx, strconv.Itoa(v.Number)); err != nil {
			return nil, err
		}
		return show(row), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		n, err := strconv.Atoi(made)
		if err != nil {
			return nil, problem.Missing("policy version")
		}
		row, err := store.Get[Version](ctx, c.Platform(), (&Version{Number: n}).Keys().Primary)
		if errors.Is(err, store.ErrMissing) {
			return nil, problem.Missing("policy version")
		}
		if err != nil {
			return nil, err
		}
		return show(row), nil
	})
}

func ahead(material bool) time.Duration {
	if material {
		return notices.Advance
	}
	return notBefore
}

func taken() error {
	return problem.Of(problem.Conflict, "policy_version_taken", "Another version is the newest; read the list, and publish after it.")
}

func publish(c *api.Caller, v policy.Version) *Version {
	row := &Version{Number: v.Number, Effective: v.Effective.Unix(), Material: v.Material, Summary: v.Summary, SHA256: v.SHA256(), Published: c.Now.Unix(), By: c.Staff.ID}
	if v.Material {
		row.Announcement = api.NewID[id.Announcement](c)
	}
	return row
}

func announcement(v *Version) *notices.Announcement {
	return &notices.Announcement{ID: v.Announcement, Kind: notices.PolicyChange, Object: strconv.Itoa(v.Number), Audience: notices.Everybody,
		Title: "Our privacy policy changes on " + clock.At(v.Effective).Format("2 January 2006"), Text: fmt.Sprintf("What changes with version %d: %s", v.Number, v.Summary),
		SHA256: v.SHA256, Effective: v.Effective, By: v.By}
}
