// Package subprocessors is the register of the companies that process personal data for PixelTrack (policy 4.2 and 9): those
// that the program begins with, and what PixelTrack's privacy officer has entered since. A new company, and whatever more one
// is to get, is announced to the owners of all organizations 30 days before, and no data goes there until everybody was told
// and the day has come. The public list and the egress read the same rows.
package subprocessors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the register.
const Family store.Family = "SUBPROCESSOR"

// Mechanism is what makes a transfer lawful, from its date until it must have been reviewed.
type Mechanism struct {
	Kind     subprocessor.Mechanism `dynamo:"kind"`
	Agreed   int64                  `dynamo:"agreed"` // epoch seconds, as all times here
	ReviewBy int64                  `dynamo:"review_by"`
}

// Terms are on what a company gets data.
type Terms struct {
	Name       string      `dynamo:"name"`
	Service    string      `dynamo:"service"`
	Parts      []string    `dynamo:"parts,omitempty"`
	Categories []string    `dynamo:"categories"`
	Purposes   []string    `dynamo:"purposes"`
	Country    string      `dynamo:"country"`
	Region     string      `dynamo:"region,omitempty"`
	Mechanisms []Mechanism `dynamo:"mechanisms,omitempty"`
	Hosts      []string    `dynamo:"hosts"`
	Contract   int64       `dynamo:"contract,omitempty"`
	Standards  []string    `dynamo:"standards,omitempty"`
	Terms      string      `dynamo:"terms"`
	Page       string      `dynamo:"page"`
}

// Entry is one company in the register.
type Entry struct {
	store.Meta
	ID           string          `dynamo:"id"`
	Current      *Terms          `dynamo:"current,omitempty"` // nil of one that is only announced
	Since        int64           `dynamo:"since,omitempty"`
	Planned      *Terms          `dynamo:"planned,omitempty"` // what takes the place of current
	From         int64           `dynamo:"from,omitempty"`    // on this day, if everybody was told by then
	Announcement id.Announcement `dynamo:"announcement,omitempty"`
	Told         int64           `dynamo:"told,omitempty"` // when everybody had been
	Ended        int64           `dynamo:"ended,omitempty"`
	By           id.Staff        `dynamo:"by"`
}

// Type is the row's type.
func (e *Entry) Type() string { return "SUBPROCESSOR" }

// Keys puts an entry under its company.
func (e *Entry) Keys() store.Keys { return store.Keys{Primary: key(e.ID)} }

func key(company string) store.Key { return store.PlatformScope().Key(Family, company) }

// arrive lets what was planned take its place when its day has come and everybody was told.
func (e *Entry) arrive(now time.Time) {
	if e.Planned == nil || e.Told == 0 || e.From > now.Unix() {
		return
	}
	e.Current, e.Since, e.Planned, e.From, e.Announcement, e.Told = e.Planned, e.From, nil, 0, "", 0
}

// Provider is a company as it is in the register at a time.
type Provider struct {
	subprocessor.Provider
	Planned *subprocessor.Provider // what more it gets, from its From on; nil when nothing is planned
	entry   *Entry
}

// provider shows an entry that has arrived at now.
func (e *Entry) provider() Provider {
	p := Provider{entry: e}
	switch {
	case e.Ended != 0 && e.Current == nil:
		p.Provider = e.Planned.provider(e.ID, e.From, subprocessor.Ended)
	case e.Ended != 0:
		p.Provider = e.Current.provider(e.ID, e.Since, subprocessor.Ended)
	case e.Current == nil:
		p.Provider = e.Planned.provider(e.ID, e.From, subprocessor.Announced)
	default:
		p.Provider = e.Current.provider(e.ID, e.Since, subprocessor.Active)
		if e.Planned != nil {
			planned := e.Planned.provider(e.ID, e.From, subprocessor.Announced)
			p.Planned = &planned
		}
	}
	return p
}

func (t *Terms) provider(company string, from int64, status subprocessor.Status) subprocessor.Provider {
	p := subprocessor.Provider{ID: company, Name: t.Name, Service: t.Service, Parts: t.Parts, Categories: t.Categories, Purposes: t.Purposes, Country: t.Country,
		Region: t.Region, Hosts: t.Hosts, Contract: clock.Moment(t.Contract), From: clock.At(from), Status: status, Terms: t.Terms, Page: t.Page}
	for _, m := range t.Mechanisms {
		p.Mechanisms = append(p.Mechanisms, m.Kind)
		if agreed := clock.At(m.Agreed); p.Reviewed == nil || agreed.After(*p.Reviewed) {
			p.Reviewed = &agreed
		}
		if by := clock.At(m.ReviewBy); m.ReviewBy != 0 && (p.ReviewBy == nil || by.After(*p.ReviewBy)) {
			p.ReviewBy = &by
		}
	}
	for _, s := range t.Standards {
		p.Assurance = append(p.Assurance, subprocessor.Assurance{Standard: s})
	}
	return p
}

// begun is the entry of a company that the program begins with, until it is changed for the first time.
func begun(p subprocessor.Provider) *Entry {
	t := &Terms{Name: p.Name, Service: p.Service, Parts: p.Parts, Categories: p.Categories, Purposes: p.Purposes, Country: p.Country, Region: p.Region, Hosts: p.Hosts,
		Terms: p.Terms, Page: p.Page}
	for _, m := range p.Mechanisms {
		t.Mechanisms = append(t.Mechanisms, Mechanism{Kind: m})
	}
	for _, a := range p.Assurance {
		t.Standards = append(t.Standards, a.Standard)
	}
	return &Entry{ID: p.ID, Current: t, Since: p.From.Unix()}
}

// All lists the register as it is at a time, ended companies included: those that the program begins with, then the others.
func All(ctx context.Context, p *store.Platform, now time.Time) ([]Provider, error) {
	var all []Provider
	for _, b := range subprocessor.All() {
		all = append(all, begun(b).provider())
	}
	for e, err := range store.All[Entry](ctx, p, store.Query{Partition: p.Scope().Partition(Family), Limit: 100}) {
		if err != nil {
			return nil, fmt.Errorf("subprocessors: %w", err)
		}
		e.arrive(now)
		if i := slices.IndexFunc(all, func(b Provider) bool { return b.ID == e.ID }); i >= 0 {
			all[i] = e.provider()
		} else {
			all = append(all, e.provider())
		}
	}
	return all, nil
}

// find reads one entry as it is at a time, or store.ErrMissing.
func find(ctx context.Context, p *store.Platform, company string, now time.Time) (*Entry, error) {
	e, err := store.Get[Entry](ctx, p, key(company))
	if errors.Is(err, store.ErrMissing) {
		for _, b := range subprocessor.All() {
			if b.ID == company {
				return begun(b), nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	e.arrive(now)
	return e, nil
}

// Rows registers the row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Entry{}, Type: "SUBPROCESSOR", Area: "admin", Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
		Class: registry.ClassPlatform, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("id", "a company"), registry.Internal("current", "what a company gets, public"), registry.Internal("since", "a time"),
			registry.Internal("planned", "what a company is to get, public"), registry.Internal("from", "a time"), registry.Internal("announcement", "a random id"),
			registry.Internal("told", "a time"), registry.Internal("ended", "a time"), registry.Internal("by", "the id of one of PixelTrack's own people"),
		}}}
}
