package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/subprocessors"
)

// ProcessingBody is the record of processing activities (GDPR Art. 30), made from the registers that the product runs by.
type ProcessingBody struct {
	Version    string     `json:"version" doc:"A hash of the rest: another one means that what is processed has changed." example:"5b1f0c2d9a7e4f36"`
	Name       string     `json:"name" example:"PixelTrack"`
	Contact    string     `json:"contact" doc:"Of the data protection officer." example:"dpo@pixeltrack.io"`
	Controller []Activity `json:"controller" doc:"What PixelTrack decides about, by purpose (Art. 30(1))."`
	Processor  []Activity `json:"processor" doc:"What organizations decide about and PixelTrack does for them (Art. 30(2))."`
	Measures   []string   `json:"measures" doc:"How the data is kept safe (Art. 32)."`
}

// Activity is what is processed for one purpose.
type Activity struct {
	Purpose    string            `json:"purpose"`
	Title      string            `json:"title"`
	Basis      string            `json:"legal_basis"`
	Interest   string            `json:"legitimate_interest,omitempty"`
	Subjects   []string          `json:"subjects" doc:"Whose data it is."`
	Records    []ActivityRecord  `json:"records" doc:"Which personal data."`
	Recipients []ActivityPartner `json:"recipients" doc:"Who else processes it, and where."`
}

// ActivityRecord is one kind of record with personal data.
type ActivityRecord struct {
	Type      string   `json:"record_type"`
	Fields    []string `json:"fields" doc:"Those that are personal."`
	Retention string   `json:"retention" doc:"How long it is kept."`
	Start     string   `json:"retention_start,omitempty" doc:"Counted from what."`
}

// ActivityPartner is a company that processes data for a purpose.
type ActivityPartner struct {
	Name       string   `json:"name"`
	Country    string   `json:"country"`
	Safeguards []string `json:"safeguards" doc:"What makes the transfer lawful."`
}

// ProcessingOut is the answer of get-processing-record.
type ProcessingOut struct{ Body ProcessingBody }

// GetProcessingRecord shows the record of processing activities.
func GetProcessingRecord() api.Operation {
	return api.New(api.Route{
		ID: "get-processing-record", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/ropa", Audience: api.Staff, Audit: true, Permission: access.ProcessingRead,
		Summary: "The record of processing activities", Purpose: purpose.LegalCompliance,
		Description: "Made from the registry of fields, the register of purposes, the schedule of retention and the register of sub-processors, so that it says what the product does.",
		ExampleOut: ProcessingBody{Version: "5b1f0c2d9a7e4f36", Name: "PixelTrack", Contact: "dpo@pixeltrack.io", Processor: []Activity{}, Measures: measures(), Controller: []Activity{{
			Purpose: purpose.Authentication, Title: "Letting you in, and only you", Basis: string(registry.Contract), Subjects: []string{"user"},
			Records:    []ActivityRecord{{Type: "CREDENTIAL", Fields: []string{"password_hash"}, Retention: "30 days"}},
			Recipients: []ActivityPartner{{"Amazon Web Services, Inc.", "US", []string{"adequacy_decision"}}}}}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*ProcessingOut, error) {
		all, err := subprocessors.All(ctx, c.Platform(), c.Now)
		if err != nil {
			return nil, err
		}
		b, err := processing(datamap.Current(), all)
		return &ProcessingOut{b}, err
	})
}

// processing makes the record of what a map of fields and a register of providers say.
func processing(m datamap.Map, providers []subprocessors.Provider) (ProcessingBody, error) {
	b := ProcessingBody{Name: "PixelTrack", Contact: "dpo@pixeltrack.io", Controller: []Activity{}, Processor: []Activity{}, Measures: measures()}
	for _, p := range purpose.All() {
		for _, role := range []struct {
			processor bool
			list      *[]Activity
		}{{false, &b.Controller}, {true, &b.Processor}} {
			a := Activity{Purpose: p.ID, Title: p.Title, Basis: string(p.Basis), Interest: p.Interest, Subjects: []string{}, Records: []ActivityRecord{}, Recipients: []ActivityPartner{}}
			for _, r := range m.Rows {
				if r.Purpose == p.ID && onBehalf(r) == role.processor {
					a.add(r)
				}
			}
			if len(a.Records) == 0 && (p.Basis != registry.Consent || role.processor) {
				continue // a purpose that consent is asked for is there before its first record
			}
			for _, s := range providers {
				if s.Status != subprocessor.Ended && slices.Contains(s.Purposes, p.ID) {
					a.Recipients = append(a.Recipients, partner(s))
				}
			}
			slices.Sort(a.Subjects)
			a.Subjects = slices.Compact(a.Subjects)
			*role.list = append(*role.list, a)
		}
	}
	text, err := json.Marshal(b)
	if err != nil {
		return b, fmt.Errorf("processing: %w", err)
	}
	sum := sha256.Sum256(text)
	b.Version = hex.EncodeToString(sum[:8])
	return b, nil
}

// onBehalf says whether an organization decides about a kind of record: what is in it of projects, clients and money.
func onBehalf(r datamap.Row) bool {
	return slices.Contains(r.Scopes, registry.InOrganization) && (r.Class == registry.ClassProject || r.Class == registry.ClassFinance)
}

func (a *Activity) add(r datamap.Row) {
	rule, _ := retention.Of(r.Class)
	rec := ActivityRecord{Type: r.Type, Fields: []string{}, Retention: rule.Length, Start: rule.Start}
	for _, f := range r.Fields {
		if f.Personal {
			rec.Fields = append(rec.Fields, f.Name)
		}
	}
	if len(rec.Fields) == 0 {
		return
	}
	if r.Subject != registry.SubjectNobody {
		a.Subjects = append(a.Subjects, string(r.Subject))
	}
	a.Records = append(a.Records, rec)
}

func partner(p subprocessors.Provider) ActivityPartner {
	a := ActivityPartner{Name: p.Name, Country: p.Country, Safeguards: []string{}}
	for _, m := range p.Mechanisms {
		a.Safeguards = append(a.Safeguards, string(m))
	}
	return a
}

// measures are the promises of policy section 5, each of which is a mechanism.
func measures() []string {
	return []string{
		"TLS 1.3 in transit", "encryption at rest by keys of our own, and of tax ids, provider tokens and second-factor seeds once more by field",
		"passwords as salted memory-hard hashes", "access tokens of 15 minutes that each call is checked against the rows",
		"second factors", "roles, and organizations that no other can reach", "a role of its own for each function, limited to the rows that it needs",
		"records of what was done, by ids alone", "recovery to any minute of 35 days, with erasures repeated over what is restored",
	}
}
