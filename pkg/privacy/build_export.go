package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/export"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/subprocessors"
	"pixeltrack.io/platform/pkg/telemetry"
)

// EventExportRequested is the event of a package that became queued.
const EventExportRequested = "ExportRequested"

// buildLease is how long a builder's claim lasts: the function's deadline and a second.
const buildLease = 15*time.Minute + time.Second

// changed is the detail of the events that this area's jobs take: the key of the row that changed.
type changed struct {
	PK string `json:"pk"`
	SK string `json:"sk"`
}

// Writer stores what a function writes, however long it is.
type Writer interface {
	Write(ctx context.Context, key, mediaType string, write func(io.Writer) error) error
}

// Opener reads objects. It says blob.ErrMissing of what is not there.
type Opener interface {
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// Stored is where the objects lie that go into packages beside their rows.
type Stored map[registry.Bucket]Opener

// BuildExport builds the package that a row asks for, from every row of its subject that the registry exports, and the
// objects that those rows stand for. Fields that are sealed are opened with the data keys.
func BuildExport(packages Writer, stored Stored, links keys.Links, pseudonyms keys.Pseudonyms, seals keys.DataKeys, m datamap.Map) job.Job {
	return job.Job{
		ID: "build-export", Area: "privacy", Summary: "Build the package of an access or portability request, or an organization's export",
		Purpose: purpose.PrivacyRights, Triggers: []string{EventExportRequested},
		Run: func(ctx context.Context, r *job.Run) error {
			var n changed
			if err := json.Unmarshal(r.Event.Detail, &n); err != nil {
				return fmt.Errorf("build export: read the event: %w", err)
			}
			b := &builder{st: r.Store, packages: packages, stored: stored, links: links, pseudonyms: pseudonyms, seals: keys.NewEnvelope(seals, r.Clock), m: m, clock: r.Clock, log: r.Log}
			return b.build(ctx, r.Actor, store.Key{PK: n.PK, SK: n.SK})
		},
	}
}

type builder struct {
	st       *store.Store
	packages Writer
	stored   Stored
	links    keys.Links
	seals    *keys.Envelope

	pseudonyms keys.Pseudonyms // of addresses
	m          datamap.Map
	clock      func() time.Time
	log        *telemetry.Log
}

// bind gives the handle of the scope that a key lies in, for a job that was started by a row there.
func bind(st *store.Store, actor store.Actor, key store.Key) (holder, registry.Scope, bool) {
	scope, _ := store.ScopeOf(key.PK)
	if user, ok := scope.User(); ok {
		h := st.BindUser(user, actor)
		h.SeeRestricted()
		return h, registry.InUser, true
	}
	if org, ok := scope.Organization(); ok {
		h := st.BindOrganization(org, actor)
		h.SeeRestricted()
		return h, registry.InOrganization, true
	}
	if hash, ok := scope.Case(); ok {
		h := st.BindCase(hash, actor)
		h.SeeRestricted()
		return h, registry.InCase, true
	}
	return nil, "", false
}

func (b *builder) build(ctx context.Context, actor store.Actor, key store.Key) error {
	h, scope, ok := bind(b.st, actor, key)
	if !ok {
		return nil // a package of nobody that can have one
	}
	p, err := b.claim(ctx, h, key)
	if err != nil || p == nil {
		return err
	}
	if err := b.fill(ctx, h, scope, p); err != nil {
		b.release(ctx, h, p)
		return fmt.Errorf("build export: %w", err)
	}
	return b.finish(ctx, h, p)
}

// fill writes a package that this run has claimed.
func (b *builder) fill(ctx context.Context, h holder, scope registry.Scope, p *Package) error {
	v, err := policies.InEffect(ctx, b.st.BindPlatform(store.Actor{}), b.clock())
	if err != nil {
		return err
	}
	head := export.Head{Case: string(p.Request), Kind: string(p.Kind), Generated: b.clock(), PolicyVersion: v.Number}
	if p.Request == "" {
		head.Case, head.Kind = string(p.ID), "organization"
	}
	content, err := b.content(ctx, h, scope, p)
	if err != nil {
		return err
	}
	p.Object = p.objectKey()
	return b.packages.Write(ctx, p.Object, "application/zip", func(out io.Writer) error {
		w := export.Measure(out)
		manifest, err := export.Write(w, head, content)
		p.Size, p.SHA256, p.Records = w.Size, w.SHA256(), records(manifest)
		return err
	})
}

// release gives the claim back after a failure, so that the next attempt need not wait for its end.
func (b *builder) release(ctx context.Context, h holder, p *Package) {
	p.ClaimedUntil, p.Object, p.Size, p.SHA256, p.Records = 0, "", 0, "", 0
	tx := b.st.Begin()
	tx.Rewrite(h, p)
	_ = tx.Commit(context.WithoutCancel(ctx)) // if this fails too, the claim ends by itself
}

// claim takes a package for this run, or gives nil when there is nothing to do.
func (b *builder) claim(ctx context.Context, h holder, key store.Key) (*Package, error) {
	p, err := store.Get[Package](ctx, h, key)
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := b.clock()
	if p.State == PackageReady || p.State == PackageBuilding && p.ClaimedUntil > now.Unix() {
		return nil, nil
	}
	p.State, p.ClaimedUntil, p.Attempts = PackageBuilding, now.Add(buildLease).Unix(), p.Attempts+1
	tx := b.st.Begin()
	tx.Rewrite(h, p)
	tx.Check(h, gateOf(h.Scope()), "attribute_exists('PK') AND (attribute_not_exists('due_at') OR 'due_at' > ?)", now.Unix())
	switch err := tx.Commit(ctx); {
	case errors.Is(err, store.ErrStale), errors.Is(err, store.ErrCondition):
		return nil, nil // a twin was first, or whom it is of is about to be erased
	case err != nil:
		return nil, err
	}
	return p, nil
}

// gateOf is where the gate of a user or organisation lies; a correspondent's own row stands for one.
func gateOf(s store.Scope) store.Key {
	if user, ok := s.User(); ok {
		return access.UserGateKey(user)
	}
	if hash, ok := s.Case(); ok {
		return correspondents.Key(hash)
	}
	org, _ := s.Organization()
	return access.OrganizationGateKey(org)
}

// finish makes the package known, and answers the request it is for, in one transaction.
func (b *builder) finish(ctx context.Context, h holder, p *Package) error {
	due := p.due()
	now := b.clock()
	p.keep(now)
	for try := 0; ; try++ {
		tx := b.st.Begin()
		tx.Disarm(h, due, false)
		if p.Request != "" {
			if err := b.answer(ctx, tx, h, p, now); err != nil {
				return err
			}
		} else {
			if err := b.linked(ctx, tx, h, p); err != nil {
				return err
			}
			outbox.Queue(tx, h, MailAnswered, string(p.ID), map[string]string{"package": string(p.ID), "until": clock.At(p.Until).Format(time.DateOnly)})
		}
		tx.Rewrite(h, p)
		err := tx.Commit(ctx)
		if errors.Is(err, store.ErrStale) && try < 3 {
			p.Version-- // the request changed meanwhile, or our claim has ended; the next try tells
			continue
		}
		return err
	}
}

// answer adds the end of the request to the transaction that makes its package known.
func (b *builder) answer(ctx context.Context, tx *store.Tx, h holder, p *Package, now time.Time) error {
	r, err := store.Get[Request](ctx, h, requestKey(h.Scope(), p.Request))
	if errors.Is(err, store.ErrMissing) || err == nil && !r.State.Open() {
		return nil // withdrawn or gone; the package ages by itself
	}
	if err != nil {
		return err
	}
	was := r.Next
	if err := observe(ctx, h, r, now); err != nil {
		return err
	}
	r.PackageUntil, r.PackageSize, r.PackageSHA256 = p.Until, p.Size, p.SHA256
	for _, e := range []request.Event{{Type: request.StepDone, Item: itemData, Count: p.Records, At: now}, {Type: request.Finished, At: now}} {
		if err := r.happen(e); err != nil {
			return fmt.Errorf("answer the request: %s: %w", e.Type, err)
		}
	}
	r.save(tx, h, was)
	outbox.Queue(tx, h, MailAnswered, store.Join(string(r.ID), "answered"), map[string]string{"case": string(r.ID), "kind": string(r.Kind),
		"state": string(r.State), "until": clock.At(p.Until).Format(time.DateOnly)})
	return nil
}

func records(m export.Manifest) int {
	n := 0
	for _, f := range m.Files {
		if f.Records != nil && strings.HasSuffix(f.Path, ".json") {
			n += *f.Records
		}
	}
	return n
}

// source is one place with rows of a subject.
type source struct {
	h     record.Handle
	query store.Query
}

// content gathers what goes into a package. Records are read from the table when they are written, page by page.
func (b *builder) content(ctx context.Context, h holder, scope registry.Scope, p *Package) (export.Content, error) {
	hash, err := b.addressHash(ctx, h, scope)
	if err != nil {
		return export.Content{}, err
	}
	sources, err := b.sources(ctx, h, scope, hash)
	if err != nil {
		return export.Content{}, err
	}
	providers, err := subprocessors.All(ctx, b.st.BindPlatform(store.Actor{}), b.clock())
	if err != nil {
		return export.Content{}, err
	}
	c := export.Content{About: aboutDocument(providers, b.clock())}
	if c.Consents, err = agreed(ctx, h); err != nil {
		return export.Content{}, err
	}
	if c.Disclosures, err = disclosures(ctx, h, b.st.BindPlatform(store.Actor{}), b.clock()); err != nil {
		return export.Content{}, err
	}
	c.Retained = retained(b.m, scope)
	if p.Kind == request.KnowCategories {
		return c, nil
	}
	for _, file := range b.files(sources) {
		c.Sets = append(c.Sets, b.set(ctx, file, sources))
	}
	if c.Sets, err = b.invited(ctx, hash, c.Sets); err != nil {
		return export.Content{}, err
	}
	c.Files, err = b.objects(ctx, sources)
	return c, err
}

// sources lists where rows of the subject lie, by row type. For a user these are the user's own partitions, and in each
// organisation what is listed under the member id; for an organisation all of its own. The hash is of the subject's address.
func (b *builder) sources(ctx context.Context, h holder, scope registry.Scope, hash string) (map[string][]source, error) {
	all := map[string][]source{}
	for _, t := range b.m.In(scope) {
		if t.Export == "" {
			continue
		}
		parts, err := record.Partitions(ctx, h, b.m, scope, t.Family)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			all[t.Type] = append(all[t.Type], source{h, store.Query{Partition: part}})
		}
	}
	if scope != registry.InUser {
		return all, nil
	}
	if err := b.written(ctx, hash, all); err != nil {
		return nil, err
	}
	memberships, err := Memberships(ctx, h, b.m)
	if err != nil {
		return nil, err
	}
	for _, m := range memberships {
		org := b.st.BindOrganization(m.Organization, store.Actor{Who: "job:build-export"})
		org.SeeRestricted()
		for _, t := range b.m.In(registry.InOrganization) {
			if t.Export == "" || t.Subject != registry.SubjectMember || t.MemberIndex == "" {
				continue
			}
			q := store.Query{Partition: org.Scope().Partition(store.Family(t.Family), string(m.Member))}
			if t.MemberIndex != registry.TableItself {
				q.Index = store.Index(t.MemberIndex)
			}
			all[t.Type] = append(all[t.Type], source{org, q})
		}
	}
	return all, nil
}

// addressHash is the keyed hash of the address of a person, empty for an organization.
func (b *builder) addressHash(ctx context.Context, h holder, scope registry.Scope) (string, error) {
	if scope == registry.InUser {
		return correspondence(ctx, h, b.m, b.pseudonyms)
	}
	hash, _ := h.Scope().Case()
	return hash, nil
}

// written adds what was written to us from the account's address without the account: the person has shown that the address
// is theirs.
func (b *builder) written(ctx context.Context, hash string, all map[string][]source) error {
	if hash == "" {
		return nil
	}
	c := b.st.BindCase(hash, store.Actor{Who: "job:build-export"})
	c.SeeRestricted()
	for _, t := range b.m.In(registry.InCase) {
		if t.Export == "" || t.Class != registry.ClassSupport && t.Class != registry.ClassRequest && t.Class != registry.ClassConsent {
			continue
		}
		parts, err := record.Partitions(ctx, c, b.m, registry.InCase, t.Family)
		if err != nil {
			return err
		}
		for _, part := range parts {
			all[t.Type] = append(all[t.Type], source{c, store.Query{Partition: part}})
		}
	}
	return nil
}

// files lists the names of the files, in order.
func (b *builder) files(sources map[string][]source) []string {
	var names []string
	for _, t := range b.m.Rows {
		if len(sources[t.Type]) > 0 && !slices.Contains(names, t.Export) {
			names = append(names, t.Export)
		}
	}
	slices.Sort(names)
	return names
}

// set is the records of one file: those of every row type that goes there.
func (b *builder) set(ctx context.Context, file string, sources map[string][]source) export.Set {
	s := export.Set{Name: file, Title: strings.ReplaceAll(file, "_", " "),
		Columns: []export.Column{{Name: "record_type", Kind: "string", Description: "the kind of record"}}}
	var types []datamap.Row
	for _, t := range b.m.Rows {
		if t.Export != file || len(sources[t.Type]) == 0 {
			continue
		}
		types = append(types, t)
		for _, f := range t.Fields {
			if f.Shown() {
				s.Columns = addColumn(s.Columns, f, t.Type)
			}
		}
	}
	slices.SortFunc(s.Columns[1:], func(a, b export.Column) int { return strings.Compare(a.Name, b.Name) })
	s.Records = func(yield func(export.Record) error) error {
		for _, t := range types {
			for _, src := range sources[t.Type] {
				err := record.Walk(ctx, src.h, src.query, func(r *record.Row) error {
					if r.Type() != t.Type {
						return nil
					}
					to, shown := b.m.Exported(r.Type(), r.Attributes())
					if shown == nil || to != file {
						return nil
					}
					if err := b.unseal(ctx, src.h, t, r, shown); err != nil {
						return err
					}
					return yield(shown)
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	}
	return s
}

// unseal adds the sealed fields of a row to what an export shows of it.
func (b *builder) unseal(ctx context.Context, h record.Handle, t datamap.Row, r *record.Row, shown map[string]any) error {
	for _, f := range t.Fields {
		sealed := r.Bytes(f.Name)
		if !f.Sealed || !f.Shown() || len(sealed) == 0 {
			continue
		}
		plain, err := b.seals.Open(ctx, keys.Place{Tenant: h.Scope().String(), Row: store.Join(t.Family, r.SK), Field: f.Name}, sealed)
		if err != nil {
			return fmt.Errorf("open %s of a %s: %w", f.Name, t.Type, err)
		}
		shown[f.Export] = string(plain)
	}
	return nil
}

// objects lists the objects that rows of the subject stand for, by the rows' sort keys, which are their ids, and names.
func (b *builder) objects(ctx context.Context, sources map[string][]source) ([]export.File, error) {
	var all []export.File
	for _, t := range b.m.Rows {
		for _, f := range t.Fields {
			if f.Object == "" {
				continue
			}
			for _, src := range sources[t.Type] {
				err := record.Walk(ctx, src.h, src.query, func(r *record.Row) error {
					if key := r.Text(f.Name); r.Type() == t.Type && key != "" {
						all = append(all, export.File{Path: inPackage(r.SK, r.Text("name")), Open: b.open(ctx, f.Object, key)})
					}
					return nil
				})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

// inPackage is where a file lies under files/: in a directory of its own, for two may have one name, and by a name that
// every file system takes.
func inPackage(id, name string) string {
	fit := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, name)
	if fit = strings.Trim(fit, ". "); fit == "" {
		fit = "file"
	}
	return id + "/" + fit
}

func (b *builder) open(ctx context.Context, in registry.Bucket, key string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := b.stored[in].Open(ctx, key)
		if errors.Is(err, blob.ErrMissing) {
			return nil, export.ErrGone
		}
		return r, err
	}
}

func addColumn(columns []export.Column, f datamap.Field, rowType string) []export.Column {
	for i, c := range columns {
		if c.Name == f.Export {
			columns[i].Types = append(columns[i].Types, rowType)
			if c.Kind != f.Kind {
				columns[i].Kind = "" // of several kinds
			}
			return columns
		}
	}
	return append(columns, export.Column{Name: f.Export, Kind: f.Kind, Description: f.Why, Types: []string{rowType}})
}

// aboutBody is about.json: what Art. 15(1) and the CCPA want told beside the data.
type aboutBody struct {
	Controller string         `json:"controller"`
	Contact    string         `json:"contact"`
	Officer    string         `json:"data_protection_officer"`
	Purposes   []PurposeBody  `json:"purposes"`
	Recipients []Subprocessor `json:"recipients"`
	Sources    []string       `json:"sources"`
	Retention  []MapRule      `json:"retention"`
	Categories []MapRow       `json:"categories"`
	Sold       []string       `json:"sold"`
	Rights     []string       `json:"rights"`
	Recourse   string         `json:"recourse"`
	Machine    string         `json:"automated_decisions"`
}

func aboutDocument(providers []subprocessors.Provider, now time.Time) aboutBody {
	m := publicMap(datamap.Current())
	body := aboutBody{Controller: "PixelTrack, Inc.", Contact: "privacy@pixeltrack.io", Officer: "dpo@pixeltrack.io",
		Sources:   []string{"you", "your organization", "Stripe and other payment processors", "services you connected"},
		Retention: m.Classes, Categories: m.Data, Sold: []string{}, Recourse: recourse,
		Rights: []string{"access", "rectification", "erasure", "restriction", "portability", "objection", "withdrawal of consent",
			"opt-out of sale and sharing", "limiting the use of sensitive information", "complaint to an authority"},
		Machine: "No decision with legal effect for you is made by a machine alone."}
	for _, p := range purpose.All() {
		body.Purposes = append(body.Purposes, purposeBody(p))
	}
	for _, p := range providers {
		body.Recipients = append(body.Recipients, provider(p, now))
	}
	return body
}

type agreedBody struct {
	ConsentBody
	Text string `json:"text,omitempty"`
}

func agreed(ctx context.Context, h holder) ([]agreedBody, error) {
	acts, err := allConsents(ctx, h)
	if err != nil {
		return nil, err
	}
	all := []agreedBody{}
	for _, a := range acts {
		text, _ := purpose.Served(a.Purpose, a.TextHash)
		all = append(all, agreedBody{consentBody(a), text.Body})
	}
	return all, nil
}

type retainedBody struct {
	Records []string `json:"records"`
	Why     string   `json:"why"`
	Length  string   `json:"length"`
	Stays   string   `json:"stays,omitempty"`
}

// retained lists what outlives an erasure.
func retained(m datamap.Map, scope registry.Scope) []retainedBody {
	all := []retainedBody{}
	for _, rule := range retention.Schedule() {
		kept := rule.Action == retention.Pseudonymise || rule.Class == registry.ClassAudit || rule.Class == registry.ClassRequest || rule.Class == registry.ClassFinance
		if !kept {
			continue
		}
		body := retainedBody{Why: "kept after deletion, without what leads to the person, counted from: " + rule.Start, Length: rule.Length, Stays: rule.Stays}
		for _, t := range m.In(scope) {
			if t.Class == rule.Class {
				body.Records = append(body.Records, t.Type)
			}
		}
		if len(body.Records) > 0 {
			all = append(all, body)
		}
	}
	return all
}
