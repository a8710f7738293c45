package privacy

import (
	"context"
	"net/http"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/subprocessors"
)

// PolicyBody is one version of the privacy policy.
type PolicyBody struct {
	Version   int    `json:"version" doc:"The number of the version; name it, with the hash, when you accept it."`
	Effective string `json:"effective_on" format:"date" doc:"The day it takes effect, UTC."`
	SHA256    string `json:"sha256" doc:"The hash of the bytes of text, in hexadecimal."`
	MediaType string `json:"media_type" doc:"The type of text."`
	Material  bool   `json:"material" doc:"Whether people are told before it takes effect."`
	Summary   string `json:"summary" doc:"What changed against the version before."`
	Text      string `json:"text,omitempty" doc:"The policy; absent in lists."`
}

// PolicyOut is the answer of get-policy and get-policy-version.
type PolicyOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         PolicyBody
}

func policyBody(v policy.Version) PolicyBody {
	return PolicyBody{Version: v.Number, Effective: v.Effective.Format(time.DateOnly), SHA256: v.SHA256(),
		MediaType: policy.MediaType, Material: v.Material, Summary: v.Summary, Text: string(v.Text)}
}

func examplePolicy() PolicyBody {
	b := policyBody(policy.Versions()[0])
	b.Text = "# PixelTrack Privacy Policy …"
	return b
}

const cached = "public, max-age=300"

// GetPolicy serves the version of the policy that is in effect.
func GetPolicy(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-policy", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/policy", Audience: api.Public, PureRead: true,
		Summary: "The privacy policy that is in effect", Purpose: purpose.PrivacyRights, ExampleOut: examplePolicy(),
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*PolicyOut, error) {
		p := st.BindPlatform(c.Actor())
		v, err := policies.InEffect(ctx, p, c.Now)
		if err != nil {
			return nil, err
		}
		return policyOf(ctx, p, v.Number)
	})
}

// PolicyListOut is the answer of list-policy-versions.
type PolicyListOut struct{ Body api.List[PolicyBody] }

// ListPolicyVersions lists every published version without its text, newest first.
func ListPolicyVersions(st *store.Store) api.Operation {
	example := examplePolicy()
	example.Text = ""
	return api.New(api.Route{
		ID: "list-policy-versions", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/policy/versions", Audience: api.Public,
		PureRead: true, Summary: "Every published version of the privacy policy", Purpose: purpose.PrivacyRights,
		Description: "Newest first, with those that do not take effect before a day to come.", ExampleOut: api.List[PolicyBody]{Data: []PolicyBody{example}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*PolicyListOut, error) {
		all, err := policies.All(ctx, st.BindPlatform(c.Actor()))
		if err != nil {
			return nil, err
		}
		out := &PolicyListOut{Body: api.List[PolicyBody]{Data: []PolicyBody{}}}
		for _, v := range slices.Backward(all) {
			b := policyBody(v)
			b.Text = ""
			out.Body.Data = append(out.Body.Data, b)
		}
		return out, nil
	})
}

// VersionIn names a version of the policy.
type VersionIn struct {
	Version int `path:"version" minimum:"1" maximum:"999999" doc:"The number of the version." example:"1"`
}

// GetPolicyVersion serves one version, however old.
func GetPolicyVersion(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-policy-version", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/policy/versions/{version}", Audience: api.Public,
		PureRead: true, Summary: "One version of the privacy policy, however old", Purpose: purpose.PrivacyRights, ExampleOut: examplePolicy(),
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "policy_version_not_found", When: "There is no such version."}},
	}, func(ctx context.Context, c *api.Caller, in *VersionIn) (*PolicyOut, error) {
		return policyOf(ctx, st.BindPlatform(c.Actor()), in.Version)
	})
}

// policyOf serves a version with its text.
func policyOf(ctx context.Context, p *store.Platform, number int) (*PolicyOut, error) {
	v, ok, err := policies.Of(ctx, p, number)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, problem.Missing("policy version")
	}
	return &PolicyOut{CacheControl: cached, Body: policyBody(v)}, nil
}

// DataMapBody is the answer of get-data-map.
type DataMapBody struct {
	Data    []MapRow  `json:"data" doc:"Every kind of record with its fields."`
	Classes []MapRule `json:"retention" doc:"How long each class of data is kept."`
}

// MapRow is one kind of record in the data map.
type MapRow struct {
	Type      string     `json:"record_type"`
	Area      string     `json:"area"`
	Subject   string     `json:"subject,omitempty" doc:"Whose data it is; absent when it is nobody's."`
	Purpose   string     `json:"purpose"`
	Basis     string     `json:"legal_basis"`
	Retention string     `json:"retention" doc:"The class in retention."`
	Export    string     `json:"export,omitempty" doc:"The file of an export that it goes to."`
	Fields    []MapField `json:"fields"`
}

// MapField is one field of a kind of record.
type MapField struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Personal bool   `json:"personal"`
	Exported bool   `json:"exported"`
	Erasure  string `json:"erasure,omitempty" doc:"row: deleted with the record; blank: removed from it; unlink: what leads to the person is removed; duty: kept as the law demands; controller: the organization decides."`
	Why      string `json:"why"`
}

// MapRule is one line of the retention schedule.
type MapRule struct {
	Class  string `json:"class"`
	Start  string `json:"start,omitempty" doc:"What starts the clock."`
	Length string `json:"length"`
	Action string `json:"action"`
	Stays  string `json:"stays,omitempty" doc:"What is left afterwards."`
}

// DataMapOut is the answer of get-data-map.
type DataMapOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         DataMapBody
}

// GetDataMap serves what personal data there is, made from the registry that export and erasure use.
func GetDataMap() api.Operation {
	return api.New(api.Route{
		ID: "get-data-map", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/data-map", Audience: api.Public, PureRead: true,
		Summary: "Which data is held, what for, on which basis and for how long", Purpose: purpose.PrivacyRights,
		ExampleOut: DataMapBody{Data: []MapRow{{Type: "CONSENT", Area: "privacy", Subject: "user", Purpose: purpose.PrivacyRights,
			Basis: "legal_obligation", Retention: "consent_proof", Export: "consents",
			Fields: []MapField{{Name: "purpose", Kind: "string", Exported: true, Why: "what was agreed to"}}}}, Classes: []MapRule{}},
	}, func(context.Context, *api.Caller, *struct{}) (*DataMapOut, error) {
		return &DataMapOut{CacheControl: cached, Body: publicMap(datamap.Current())}, nil
	})
}

func publicMap(m datamap.Map) DataMapBody {
	body := DataMapBody{Data: []MapRow{}, Classes: []MapRule{}}
	for _, r := range m.Rows {
		row := MapRow{Type: r.Type, Area: r.Area, Subject: string(r.Subject), Purpose: r.Purpose, Basis: string(basisOf(r)),
			Retention: string(r.Class), Export: r.Export, Fields: []MapField{}}
		for _, f := range r.Fields {
			row.Fields = append(row.Fields, MapField{Name: f.Name, Kind: f.Kind, Personal: f.Personal,
				Exported: r.Export != "" && f.Shown(), Erasure: string(f.Erase), Why: f.Why})
		}
		body.Data = append(body.Data, row)
	}
	for _, r := range retention.Schedule() {
		body.Classes = append(body.Classes, MapRule{Class: string(r.Class), Start: r.Start, Length: r.Length,
			Action: string(r.Action), Stays: r.Stays})
	}
	return body
}

// basisOf is the basis of a row: its own, or that of its purpose.
func basisOf(r datamap.Row) registry.Basis {
	if r.Basis != "" {
		return r.Basis
	}
	p, _ := purpose.Of(r.Purpose)
	return p.Basis
}

// Subprocessor is one provider that processes personal data for PixelTrack.
type Subprocessor struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Service    string      `json:"service"`
	Parts      []string    `json:"parts" doc:"The parts of its service that are used."`
	Categories []string    `json:"categories" doc:"Of personal data."`
	Purposes   []string    `json:"purposes"`
	Country    string      `json:"country" doc:"ISO 3166-1."`
	Region     string      `json:"region,omitempty"`
	Mechanisms []string    `json:"transfer_mechanisms"`
	Hosts      []string    `json:"hosts" doc:"Where data is sent; nothing is sent elsewhere."`
	Receives   bool        `json:"receives_data" doc:"Whether data may go there now."`
	From       string      `json:"from" format:"date" doc:"No data goes there before."`
	Status     string      `json:"status" enum:"announced,active,ended"`
	Contract   string      `json:"contract_date,omitempty" format:"date" doc:"Absent while the document is not in the register."`
	Reviewed   string      `json:"transfer_reviewed,omitempty" format:"date"`
	ReviewBy   string      `json:"transfer_review_by,omitempty" format:"date" doc:"No data goes there from then on without another review."`
	Planned    *Planned    `json:"planned,omitempty" doc:"What more it is to get."`
	Assurance  []Assurance `json:"assurance"`
	Terms      string      `json:"terms" format:"uri"`
	Page       string      `json:"page" format:"uri"`
}

// Planned is what more a provider is to get, from a day on, if all owners were told by then.
type Planned struct {
	From       string   `json:"from" format:"date"`
	Service    string   `json:"service"`
	Parts      []string `json:"parts"`
	Categories []string `json:"categories"`
	Purposes   []string `json:"purposes"`
	Country    string   `json:"country"`
	Hosts      []string `json:"hosts"`
}

// Assurance is an audit report of a provider.
type Assurance struct {
	Standard string `json:"standard"`
	Valid    string `json:"checked,omitempty" format:"date"`
	Expires  string `json:"expires,omitempty" format:"date"`
}

// SubprocessorsOut is the answer of list-subprocessors.
type SubprocessorsOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         api.List[Subprocessor]
}

// ListSubprocessors serves the register of sub-processors.
func ListSubprocessors(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "list-subprocessors", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/subprocessors", Audience: api.Public, PureRead: true,
		Summary: "The companies that process personal data for PixelTrack", Purpose: purpose.PrivacyRights,
		ExampleOut: api.List[Subprocessor]{Data: []Subprocessor{provider(subprocessors.Provider{Provider: subprocessor.All()[0]}, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*SubprocessorsOut, error) {
		all, err := subprocessors.All(ctx, st.BindPlatform(c.Actor()), c.Now)
		if err != nil {
			return nil, err
		}
		out := &SubprocessorsOut{CacheControl: cached, Body: api.List[Subprocessor]{Data: []Subprocessor{}}}
		for _, p := range all {
			out.Body.Data = append(out.Body.Data, provider(p, c.Now))
		}
		return out, nil
	})
}

func provider(p subprocessors.Provider, now time.Time) Subprocessor {
	s := Subprocessor{ID: p.ID, Name: p.Name, Service: p.Service, Parts: append([]string{}, p.Parts...), Receives: p.Receives(now), Categories: p.Categories, Purposes: p.Purposes,
		Country: p.Country, Region: p.Region, Mechanisms: []string{}, Hosts: p.Hosts, From: p.From.Format(time.DateOnly),
		Status: string(p.Status), Contract: date(p.Contract), Reviewed: date(p.Reviewed), ReviewBy: date(p.ReviewBy), Assurance: []Assurance{}, Terms: p.Terms, Page: p.Page}
	if n := p.Planned; n != nil {
		s.Planned = &Planned{From: n.From.Format(time.DateOnly), Service: n.Service, Parts: append([]string{}, n.Parts...), Categories: n.Categories, Purposes: n.Purposes, Country: n.Country, Hosts: n.Hosts}
	}
	for _, m := range p.Mechanisms {
		s.Mechanisms = append(s.Mechanisms, string(m))
	}
	for _, a := range p.Assurance {
		s.Assurance = append(s.Assurance, Assurance{Standard: a.Standard, Valid: date(a.Valid), Expires: date(a.Expires)})
	}
	return s
}

func date(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

// PurposeBody is one purpose of processing.
type PurposeBody struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Basis       string `json:"legal_basis" enum:"contract,legitimate_interests,consent,legal_obligation"`
	Interest    string `json:"legitimate_interest,omitempty"`
	Section     string `json:"policy_section"`
	Objectable  bool   `json:"can_object"`
}

// PurposesOut is the answer of list-purposes.
type PurposesOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         api.List[PurposeBody]
}

// ListPurposes serves the register of purposes.
func ListPurposes() api.Operation {
	return api.New(api.Route{
		ID: "list-purposes", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/purposes", Audience: api.Public, PureRead: true,
		Summary: "What personal data is used for, and on which legal basis", Purpose: purpose.PrivacyRights,
		ExampleOut: api.List[PurposeBody]{Data: []PurposeBody{purposeBody(purpose.All()[0])}},
	}, func(context.Context, *api.Caller, *struct{}) (*PurposesOut, error) {
		out := &PurposesOut{CacheControl: cached, Body: api.List[PurposeBody]{Data: []PurposeBody{}}}
		for _, p := range purpose.All() {
			out.Body.Data = append(out.Body.Data, purposeBody(p))
		}
		return out, nil
	})
}

func purposeBody(p purpose.Purpose) PurposeBody {
	return PurposeBody{ID: p.ID, Title: p.Title, Description: p.Description, Basis: string(p.Basis), Interest: p.Interest,
		Section: p.Section, Objectable: p.Objectable}
}

// GPCBody is the support file of Global Privacy Control.
type GPCBody struct {
	GPC        bool   `json:"gpc"`
	LastUpdate string `json:"lastUpdate"`
}

// GPCOut is the answer of get-gpc.
type GPCOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         GPCBody
}

// GetGpc says that the signal is honoured.
func GetGpc() api.Operation {
	body := GPCBody{GPC: true, LastUpdate: policy.Versions()[0].Effective.Format(time.RFC3339)}
	return api.New(api.Route{
		ID: "get-gpc", Area: "privacy", Method: http.MethodGet, Path: "/.well-known/gpc.json", Audience: api.Public, PureRead: true,
		Summary: "Say that Global Privacy Control is honored", Purpose: purpose.PrivacyRights, ExampleOut: body,
	}, func(context.Context, *api.Caller, *struct{}) (*GPCOut, error) {
		return &GPCOut{CacheControl: cached, Body: body}, nil
	})
}
