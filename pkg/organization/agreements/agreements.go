// Package agreements is what an organization has accepted: the terms of service, and the agreement by which PixelTrack
// processes personal data for it (GDPR Art. 28). Each version is text that never changes and is named by its hash; an
// acceptance says who accepted which text for the organization, and when.
package agreements

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the acceptances of an organization.
const Family store.Family = "AGREEMENT"

//go:embed texts/*.md
var texts embed.FS

// Document is one published version of a text.
type Document struct {
	ID        string // terms or dpa
	Title     string
	Version   int
	Effective time.Time
	Text      []byte
}

// SHA256 is the hash of the exact bytes served, in hexadecimal.
func (d Document) SHA256() string {
	sum := sha256.Sum256(d.Text)
	return hex.EncodeToString(sum[:])
}

// Documents lists the version of each text that is in effect.
func Documents() []Document {
	first := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	return []Document{
		{"terms", "Terms of service", 1, first, text("terms", 1)},
		{"dpa", "Data processing agreement", 1, first, text("dpa", 1)},
	}
}

func text(name string, version int) []byte {
	b, err := texts.ReadFile(fmt.Sprintf("texts/%s-v%d.md", name, version))
	if err != nil {
		panic(fmt.Sprintf("agreements: %v", err)) // the texts are part of the program
	}
	return b
}

// of finds a text, false when there is none.
func of(name string) (Document, bool) {
	for _, d := range Documents() {
		if d.ID == name {
			return d, true
		}
	}
	return Document{}, false
}

// Acceptance says that an organization accepted a version of a text.
type Acceptance struct {
	store.Meta
	Organization id.Organization `dynamo:"org"`
	Document     string          `dynamo:"document"`
	Version      int             `dynamo:"document_version"`
	SHA256       string          `dynamo:"sha256"` // of the text as served
	Member       id.Member       `dynamo:"member"` // who accepted
	At           int64           `dynamo:"at"`     // epoch seconds
}

// Type is the row's type.
func (a *Acceptance) Type() string { return "AGREEMENT" }

// Keys puts acceptances under their organization by text and version.
func (a *Acceptance) Keys() store.Keys {
	return store.Keys{Primary: key(a.Organization, a.Document, a.Version)}
}

func key(org id.Organization, document string, version int) store.Key {
	return store.OrganizationScope(org).Key(Family, document, fmt.Sprintf("%04d", version))
}

// Agreement is a text and whether the organization accepted it.
type Agreement struct {
	Document   string     `json:"document" enum:"terms,dpa" example:"dpa"`
	Title      string     `json:"title" example:"Data processing agreement"`
	Version    int        `json:"version" example:"1"`
	SHA256     string     `json:"sha256" doc:"Of the text as GET /v1/org/agreements/{document} serves it." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Effective  time.Time  `json:"effective_at"`
	AcceptedAt *time.Time `json:"accepted_at,omitempty" doc:"When this version was accepted for the organization; absent when it was not."`
	AcceptedBy string     `json:"accepted_by,omitempty" doc:"The member who accepted it." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func body(d Document, a *Acceptance) Agreement {
	b := Agreement{Document: d.ID, Title: d.Title, Version: d.Version, SHA256: d.SHA256(), Effective: d.Effective}
	if a != nil {
		at := time.Unix(a.At, 0).UTC()
		b.AcceptedAt, b.AcceptedBy = &at, string(a.Member)
	}
	return b
}

func example() Agreement {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	b := body(Documents()[1], nil)
	b.AcceptedAt, b.AcceptedBy = &at, "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	return b
}

// ListOut is the answer of list-agreements.
type ListOut struct{ Body api.List[Agreement] }

// ListAgreements lists the texts in effect, and which of them the organization accepted.
func ListAgreements() api.Operation {
	return api.New(api.Route{
		ID: "list-agreements", Area: "organization", Method: http.MethodGet, Path: "/v1/org/agreements", PureRead: true, Permission: access.OrganizationRead,
		Summary: "The terms and the data processing agreement", Purpose: purpose.AccountManagement,
		Description: "The version of each that is in effect, and who accepted it for the organization.", ExampleOut: api.List[Agreement]{Data: []Agreement{example()}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*ListOut, error) {
		accepted := map[string]*Acceptance{}
		for a, err := range store.All[Acceptance](ctx, c.Org, store.Query{Partition: c.Org.Scope().Partition(Family), Limit: 100}) {
			if err != nil {
				return nil, err
			}
			accepted[fmt.Sprint(a.Document, a.Version)] = a
		}
		out := &ListOut{Body: api.List[Agreement]{Data: []Agreement{}}}
		for _, d := range Documents() {
			out.Body.Data = append(out.Body.Data, body(d, accepted[fmt.Sprint(d.ID, d.Version)]))
		}
		return out, nil
	})
}

// OneIn names a text.
type OneIn struct {
	Document string `path:"document" maxLength:"20" example:"dpa"`
}

// TextOut is the answer of get-agreement.
type TextOut struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "agreement_not_found", When: "There is no such text; they are terms and dpa."}
}

// GetAgreement serves a text as it is accepted.
func GetAgreement() api.Operation {
	return api.New(api.Route{
		ID: "get-agreement", Area: "organization", Method: http.MethodGet, Path: "/v1/org/agreements/{document}", PureRead: true, Permission: access.OrganizationRead,
		Summary: "The text of the terms or of the data processing agreement", Purpose: purpose.AccountManagement, Produces: "text/markdown",
		Description: "Its exact bytes are what the hash in the list is of.", ExampleOut: "# Data processing agreement\n", Refusals: []api.Refusal{missing()},
	}, func(_ context.Context, _ *api.Caller, in *OneIn) (*TextOut, error) {
		d, ok := of(in.Document)
		if !ok {
			return nil, problem.Missing("agreement")
		}
		return &TextOut{"text/markdown; charset=utf-8", d.Text}, nil
	})
}

// AcceptIn is the input of create-agreement.
type AcceptIn struct{ Body AcceptBody }

// AcceptBody says which text is accepted.
type AcceptBody struct {
	Document string `json:"document" enum:"terms,dpa" example:"dpa"`
	Version  int    `json:"version" example:"1"`
	SHA256   string `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the text that was shown." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

// AcceptOut is the answer of create-agreement.
type AcceptOut struct{ Body Agreement }

// CreateAgreement accepts a text for the organization. Accepting what was accepted changes nothing.
func CreateAgreement(st *store.Store) api.Operation {
	shown := example()
	return api.New(api.Route{
		ID: "create-agreement", Area: "organization", Method: http.MethodPost, Path: "/v1/org/agreements", Permission: access.OrganizationClose, Audit: true,
		Summary: "Accept the terms or the data processing agreement", Purpose: purpose.AccountManagement,
		Description: "For the organization, by its owner. The version must be the one in effect and the hash that of its text, so that it is known which words were accepted. What was accepted before stays accepted, by whom it was.",
		ExampleIn:   AcceptBody{shown.Document, shown.Version, shown.SHA256}, ExampleOut: shown,
	}, func(ctx context.Context, c *api.Caller, in *AcceptIn) (*AcceptOut, error) {
		d, _ := of(in.Body.Document)
		if in.Body.Version != d.Version {
			return nil, problem.InvalidField("body.version", "not the version that is in effect")
		}
		if in.Body.SHA256 != d.SHA256() {
			return nil, problem.InvalidField("body.sha256", "not the hash of the version that is in effect")
		}
		a := &Acceptance{Organization: c.Org.ID, Document: d.ID, Version: d.Version, SHA256: d.SHA256(), Member: c.Member, At: c.Now.Unix()}
		tx := st.Begin()
		tx.Create(c.Org, a)
		err := c.Commit(ctx, tx, store.Join(d.ID, fmt.Sprint(d.Version)))
		if errors.Is(err, store.ErrExists) {
			a, err = store.Get[Acceptance](ctx, c.Org, key(c.Org.ID, d.ID, d.Version))
		}
		if err != nil {
			return nil, err
		}
		return &AcceptOut{body(d, a)}, nil
	})
}

// Routes lists the routes of this package.
func Routes() []api.Operation {
	return []api.Operation{ListAgreements(), GetAgreement(), CreateAgreement(nil)}
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Acceptance{}, Type: "AGREEMENT", Area: "organization", Purpose: purpose.AccountManagement, Basis: registry.Contract, Class: registry.ClassAccount,
		Export: "agreements", Family: string(Family), Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
			registry.Plain("org", "the id of the organization"), registry.Plain("document", "a fixed word"), registry.Plain("document_version", "a number"),
			registry.Plain("sha256", "the hash of a public text"), registry.Plain("member", "a random id of a person in the organization"), registry.Plain("at", "a time"),
		}}}
}
