package invoicing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyClaims holds the time that is on invoices, divided by them.
const FamilyClaims store.Family = "INVOICEENTRY"

// DueAssembly is the clock of an invoice that takes time or gives it up.
const DueAssembly store.DueKind = "assembly"

// Endurance is after how long an assembly that is not finished gives up.
const Endurance = time.Hour

// MaxProjects is of how many projects one invoice can take the time.
const MaxProjects = 50

// GroupBy is what makes a line of the time.
type GroupBy string

// The ways to group. Time of different rates is never in one line.
const (
	ByProject GroupBy = "project"
	ByMember  GroupBy = "member"
	ByDay     GroupBy = "day"
	ByEntry   GroupBy = "entry"
)

// Assembly is how an invoice is made of unbilled time. Entries are claimed one by one while the invoice is assembling; its
// lines are made of what it has claimed, and of nothing else.
type Assembly struct {
	Projects []id.Project `dynamo:"projects"`
	From     string       `dynamo:"from"` // 2026-03-01
	To       string       `dynamo:"to"`
	GroupBy  GroupBy      `dynamo:"group_by"`
	Rate     *money.Money `dynamo:"rate,omitempty"` // of an hour, for entries that have none
	Taxes    []Tax        `dynamo:"taxes,omitempty"`
	Until    int64        `dynamo:"until"`             // epoch seconds; when it gives up
	Due      int64        `dynamo:"due,omitempty"`     // epoch seconds; when its clock rings, 0 for none
	Entries  int          `dynamo:"entries,omitempty"` // that are on the invoice
	Claimed  int          `dynamo:"claimed,omitempty"` // skipped, because another invoice has them
	Unrated  int          `dynamo:"unrated,omitempty"` // skipped, because nobody said what an hour costs
	Foreign  int          `dynamo:"foreign,omitempty"` // skipped, because their rate is in another currency
	Failed   string       `dynamo:"failed,omitempty"`  // why it gave up
}

// Why an assembly gives up. The draft is empty then, and its time is free.
const (
	tooLate      = "timeout"
	tooManyLines = "too_many_lines"
	notCountable = "amounts_too_large"
)

// due is the clock of the assembly.
func (a *Assembly) due(i *Invoice) *store.Due { return assemblyDue(i.Org, i.ID, a.Due) }

func assemblyDue(org id.Organization, i id.Invoice, at int64) *store.Due {
	return store.NewDue(DueAssembly, time.Unix(at, 0), Key(org, i))
}

// Claim says that an entry is on an invoice, with what the invoice's lines are made of.
type Claim struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	Invoice id.Invoice      `dynamo:"invoice"`
	Entry   id.Entry        `dynamo:"entry"`
	Project id.Project      `dynamo:"project"`
	Member  id.Member       `dynamo:"member"`
	Date    string          `dynamo:"date"`
	Seconds int64           `dynamo:"seconds"`
	Rate    int64           `dynamo:"rate"` // of an hour, in minor units of the invoice's currency; frozen
	Note    string          `dynamo:"note,omitempty"`
}

// Type is the row's type.
func (c *Claim) Type() string { return "INVOICEENTRY" }

// Keys puts a claim under its invoice.
func (c *Claim) Keys() store.Keys {
	return store.Keys{Primary: store.OrganizationScope(c.Org).KeyIn(FamilyClaims, string(c.Invoice), string(c.Entry))}
}

// MoveClaim adds to a transaction that the time of an entry is another member's, on the invoice that the entry is on. It
// adds nothing for an entry that is on none.
func MoveClaim(ctx context.Context, tx *store.Tx, org *store.Organization, invoice id.Invoice, e id.Entry, to id.Member) error {
	if invoice == "" {
		return nil
	}
	c, err := store.Get[Claim](ctx, org, (&Claim{Org: org.ID, Invoice: invoice, Entry: e}).Keys().Primary)
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	c.Member = to
	tx.Replace(org, c)
	return nil
}

// FromTime asks for the unbilled time of projects.
type FromTime struct {
	ProjectIDs []string     `json:"project_ids" minItems:"1" maxItems:"50" maxLength:"64" doc:"Projects of the client." example:"[\"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB\"]"`
	From       string       `json:"from" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"The first day." example:"2026-03-01"`
	To         string       `json:"to" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"The last day, at most 366 days in all." example:"2026-03-31"`
	GroupBy    GroupBy      `json:"group_by,omitempty" enum:"project,member,day,entry" default:"project" doc:"What makes a line; time of different rates is never in one."`
	Rate       *money.Money `json:"rate,omitempty" doc:"Of an hour, for entries without a rate of their own; without it the client's default rate."`
	Taxes      []TaxBody    `json:"taxes,omitempty" maxItems:"5" doc:"Of every line."`
}

// AssemblyBody is how an invoice was made of time.
type AssemblyBody struct {
	ProjectIDs []string `json:"project_ids"`
	From       string   `json:"from" format:"date" example:"2026-03-01"`
	To         string   `json:"to" format:"date" example:"2026-03-31"`
	GroupBy    GroupBy  `json:"group_by" enum:"project,member,day,entry"`
	Entries    int      `json:"entries" doc:"How many entries are on the invoice." example:"12"`
	Skipped    Skipped  `json:"skipped"`
	Failed     string   `json:"failed,omitempty" enum:"timeout,too_many_lines,amounts_too_large" doc:"Why it gave up; the draft is empty then, and the time free."`
}

// Skipped counts the billable entries that were left out.
type Skipped struct {
	Claimed     int `json:"on_another_invoice"`
	Unrated     int `json:"without_rate"`
	OtherMoneys int `json:"in_another_currency"`
}

func (a *Assembly) body() *AssemblyBody {
	if a == nil {
		return nil
	}
	b := &AssemblyBody{ProjectIDs: []string{}, From: a.From, To: a.To, GroupBy: a.GroupBy, Entries: a.Entries, Failed: a.Failed,
		Skipped: Skipped{Claimed: a.Claimed, Unrated: a.Unrated, OtherMoneys: a.Foreign}}
	for _, p := range a.Projects {
		b.ProjectIDs = append(b.ProjectIDs, string(p))
	}
	return b
}

// check refuses what no assembly can take, before anything is read.
func (f *FromTime) check() error {
	from, err := time.Parse(time.DateOnly, f.From)
	if err != nil {
		return problem.InvalidField("body.from_time.from", "not a date")
	}
	to, err := time.Parse(time.DateOnly, f.To)
	switch {
	case err != nil:
		return problem.InvalidField("body.from_time.to", "not a date")
	case to.Before(from):
		return problem.InvalidField("body.from_time.to", "before from")
	case to.Sub(from) >= 366*24*time.Hour:
		return problem.InvalidField("body.from_time.to", "more than 366 days in all")
	}
	if r := f.Rate; r != nil && (r.Amount < 0 || r.Amount > clients.MaxRate || !money.Valid(r.Currency)) {
		return problem.InvalidField("body.from_time.rate", "not an amount from 0 to 1000000000 in a currency of ISO 4217")
	}
	for n, p := range f.ProjectIDs {
		if slices.Contains(f.ProjectIDs[:n], p) {
			return problem.InvalidField("body.from_time.project_ids", "each project once")
		}
		if _, err := id.Parse[id.Project](p); err != nil {
			return problem.Missing("project")
		}
	}
	return nil
}

// views are the caller's looks at the projects, which are read beside the parties.
func (f *FromTime) views(c *api.Caller) (all []*projects.View, fetches []*store.Fetch) {
	if f == nil {
		return nil, nil
	}
	for _, p := range f.ProjectIDs {
		v := projects.ViewOf(c, id.Project(p), "")
		all, fetches = append(all, v), append(fetches, v.Fetches()...)
	}
	return all, fetches
}

// plan says how the draft is to be made of time.
func (f *FromTime) plan(i *Invoice, client *clients.Client, found []*projects.View, now time.Time) (*Assembly, error) {
	a := &Assembly{From: f.From, To: f.To, GroupBy: f.GroupBy, Rate: f.Rate, Until: now.Add(Endurance).Unix(), Due: now.Add(Patience).Unix()}
	if a.GroupBy == "" {
		a.GroupBy = ByProject
	}
	if a.Rate != nil && a.Rate.Currency != i.Currency {
		return nil, problem.InvalidField("body.from_time.rate", "not in the invoice's currency")
	}
	if a.Rate == nil && client.DefaultRate != nil && client.DefaultRate.Currency == i.Currency {
		a.Rate = client.DefaultRate
	}
	for n, t := range f.Taxes {
		rate, err := calc.ParseDecimal(t.Rate)
		if err != nil {
			return nil, problem.InvalidField(fmt.Sprintf("body.from_time.taxes[%d].rate", n), "not a decimal up to 100")
		}
		a.Taxes = append(a.Taxes, Tax{Name: t.Name, Rate: rate})
	}
	probe := Invoice{Currency: i.Currency, Rounding: i.Rounding}
	if err := probe.count([]Line{{Quantity: calc.One, Taxes: a.Taxes}}); err != nil {
		return nil, problem.InvalidField("body.from_time.taxes", calc.ErrTaxes.Error())
	}
	for _, v := range found {
		row, err := v.Project()
		if err != nil {
			return nil, err
		}
		if row.Client != i.Client {
			return nil, problem.InvalidField("body.from_time.project_ids", "not all are projects of the client")
		}
		a.Projects = append(a.Projects, row.ID)
	}
	return a, nil
}

// allowed refuses what comes with time and must not.
func (b CreateBody) allowed(c *api.Caller) error {
	if b.FromTime == nil {
		return nil
	}
	if err := c.Needs(access.RatesRead); err != nil {
		return err
	}
	if len(b.Lines) > 0 {
		return problem.InvalidField("body.from_time", "not together with lines; add them to the draft")
	}
	return b.FromTime.check()
}

// linesOf makes the lines of claims: one for each group and rate, in the order of what they are called.
func (i *Invoice) linesOf(claims []*Claim, names map[id.Project]string) []Line {
	type group struct {
		sort, text string
		seconds    int64
		rate       int64
	}
	people := people(claims)
	groups := map[string]*group{}
	for _, c := range claims {
		sort, text := i.Assembly.group(c, names, people)
		key := fmt.Sprintf("%s\n%d", sort, c.Rate)
		if groups[key] == nil {
			groups[key] = &group{sort: key, text: text, rate: c.Rate}
		}
		groups[key].seconds += c.Seconds
	}
	var all []*group
	for _, g := range groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Compare(a.sort, b.sort) })
	var lines []Line
	for _, g := range all {
		lines = append(lines, Line{Description: g.text, Quantity: hours(g.seconds), Unit: "h", UnitPrice: g.rate, Taxes: i.Assembly.Taxes})
	}
	return lines
}

// hours is a time in hours, to the millionth.
func hours(seconds int64) calc.Decimal {
	return calc.Decimal((seconds*int64(calc.One) + 1800) / 3600)
}

// people numbers members: an invoice does not know what they are called.
func people(claims []*Claim) map[id.Member]int {
	var members []id.Member
	for _, c := range claims {
		members = append(members, c.Member)
	}
	slices.Sort(members)
	numbers := map[id.Member]int{}
	for n, m := range slices.Compact(members) {
		numbers[m] = n + 1
	}
	return numbers
}

// longest is how much of a note stands in a line.
const longest = 450

// group says to which line an entry belongs, and what the line says.
func (a *Assembly) group(c *Claim, names map[id.Project]string, people map[id.Member]int) (sort, text string) {
	switch a.GroupBy {
	case ByMember:
		return fmt.Sprintf("%04d", people[c.Member]), fmt.Sprintf("Hours of person %d", people[c.Member])
	case ByDay:
		return c.Date, "Hours of " + c.Date
	case ByEntry:
		note := []rune(c.Note)
		if len(note) > longest {
			note = append(note[:longest], '…')
		}
		if len(note) == 0 {
			return c.Date + string(c.Entry), c.Date
		}
		return c.Date + string(c.Entry), c.Date + ": " + string(note)
	}
	name := names[c.Project]
	if name == "" {
		name = "Project"
	}
	return name + string(c.Project), name
}
