package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// mark is a text that stands nowhere else, with where it entered and whose it is.
type mark struct {
	text     string
	where    string // operation and field
	who      *caller
	password string // of who, when it entered
	public   bool   // it entered without a token: it may be of somebody whom nobody knows
	free     bool   // people say it in their own words
	taken    bool   // the call that it entered with ended well
}

// flock is the marks of one test, and the people whose they are.
type flock struct {
	t      *testing.T
	d      document
	n      int
	since  time.Time
	marks  []*mark
	people []*caller
}

// leaf is one place of a body where a text stands.
type leaf struct {
	path   []string // "0" is the first of a list
	schema schema
}

// texts lists the places of a schema that hold a text which nothing says beforehand: no fixed word, no time.
func (d document) texts(s schema, at []string) []leaf {
	s = d.resolve(s)
	var all []leaf
	if strings.Contains(fmt.Sprint(s.Type), "string") && len(s.Enum) == 0 && !strings.HasPrefix(s.Format, "date") && s.Format != "binary" {
		all = append(all, leaf{slices.Clone(at), s})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		all = append(all, d.texts(s.Properties[name], append(at, name))...)
	}
	if s.Items != nil {
		all = append(all, d.texts(*s.Items, append(at, "0"))...)
	}
	return all
}

// minimal is a value of a schema with what is required and no more.
func (d document) minimal(s schema) any {
	s = d.resolve(s)
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Properties) > 0:
		o := map[string]any{}
		for _, name := range s.Required {
			o[name] = d.minimal(s.Properties[name])
		}
		return o
	case s.Items != nil:
		return []any{}
	case strings.Contains(fmt.Sprint(s.Type), "string"):
		return ""
	case fmt.Sprint(s.Type) == "boolean":
		return false
	}
	return 0
}

// put gives a body with a text at a place, and with what must stand around it.
func (d document) put(s schema, body any, at []string, text string) any {
	if len(at) == 0 {
		return text
	}
	s = d.resolve(s)
	if s.Items != nil {
		list, _ := body.([]any)
		if len(list) == 0 {
			list = []any{d.minimal(*s.Items)}
		}
		list[0] = d.put(*s.Items, list[0], at[1:], text)
		return list
	}
	o, _ := body.(map[string]any)
	if o == nil {
		o, _ = d.minimal(s).(map[string]any)
		o = maps.Clone(o)
	}
	o[at[0]] = d.put(s.Properties[at[0]], o[at[0]], at[1:], text)
	return o
}

// holds says whether a body has something at a place.
func holds(body any, at []string) (any, bool) {
	for _, name := range at {
		switch b := body.(type) {
		case map[string]any:
			body = b[name]
		case []any:
			if len(b) == 0 {
				return nil, false
			}
			body = b[0]
		default:
			return nil, false
		}
	}
	return body, body != nil
}

// word makes a text that fits a place, nothing when none does. All of them are as long as each other.
func (f *flock) word(l leaf) string {
	f.n++
	core := fmt.Sprintf("kanari%06dv", f.n)
	name := l.path[len(l.path)-1]
	if name == "0" && len(l.path) > 1 {
		name = l.path[len(l.path)-2]
	}
	all := []string{"Kanari " + core, core + "@example.com", "https://" + core + ".example.com/nest", core, strings.ToUpper(core), fmt.Sprintf("+49 30 77%07d", f.n),
		"text/x-" + core, fmt.Sprintf("K%07d", f.n)}
	if strings.Contains(name, "email") {
		all = all[1:]
	}
	for _, text := range all {
		if l.schema.MaxLength > 0 && len(text) > l.schema.MaxLength {
			continue
		}
		if fits, err := regexp.MatchString(l.schema.Pattern, text); err == nil && fits {
			return text
		}
	}
	return ""
}

// plant makes the call of a step with a text in each place of its body: in all free places at once, and where that is
// refused, and for what the call cannot do without, one by one. Those that are refused must stand nowhere.
func (f *flock) plant(s step, op operation, who func() *caller) {
	body, ok := op.RequestBody.Content["application/json"]
	if !ok {
		return
	}
	leaves := f.d.texts(body.Schema, nil)
	var free, bound []leaf
	call := s.prepare(who())
	before := plain(f.t, call.Body)
	for _, l := range leaves {
		if v, there := holds(before, l.path); there && !strings.ContainsAny(fmt.Sprint(v), " @") {
			bound = append(bound, l) // an id, a token, a word that something stands behind
		} else {
			free = append(free, l)
		}
	}
	if !f.send(s, op, who, free) {
		bound = append(bound, free...)
	}
	for _, l := range bound {
		f.send(s, op, who, []leaf{l})
	}
}

// send makes the call of a step with texts in some places, and says whether it was taken.
func (f *flock) send(s step, op operation, who func() *caller, leaves []leaf) bool {
	f.t.Helper()
	if len(leaves) == 0 {
		return true
	}
	p := who()
	call := s.prepare(p)
	body := plain(f.t, call.Body)
	var sent []*mark
	for _, l := range leaves {
		text := f.word(l)
		if text == "" {
			continue
		}
		sent = append(sent, &mark{text: text, where: s.operation + " " + strings.Join(l.path, "."), who: p, password: p.person.Password, public: s.public,
			free: l.schema.Pattern == ""})
		body = f.d.put(op.RequestBody.Content["application/json"].Schema, body, l.path, text)
	}
	if len(sent) == 0 {
		return true
	}
	call.Body = body
	if call.Key != "" {
		call.Key = f.aside(s.operation+" Idempotency-Key", p)
	}
	if call.Headers == nil {
		call.Headers = map[string]string{}
	}
	call.Headers["User-Agent"] = "Mozilla/5.0 " + f.aside(s.operation+" User-Agent", p)
	a := s.do(p, call)
	if a.Status >= 500 {
		f.t.Errorf("%s = %d %s", s.operation, a.Status, a.Body)
	}
	for _, m := range sent {
		m.taken = a.Status < 300
		if m.taken && (m.where == "change-password new_password" || m.where == "reset-password password") {
			p.person.Password = m.text
		}
	}
	f.marks = append(f.marks, sent...)
	if s.cleanup != nil {
		s.cleanup(p)
	}
	return a.Status < 300
}

// aside makes a text for a place that nothing keeps.
func (f *flock) aside(where string, p *caller) string {
	text := f.word(leaf{path: []string{"aside"}, schema: schema{Pattern: "^[a-z0-9]*$"}})
	f.marks = append(f.marks, &mark{text: text, where: where, who: p})
	return text
}

// plain gives a body as JSON has it.
func plain(t *testing.T, body any) any {
	t.Helper()
	if raw, ok := body.([]byte); ok {
		body = json.RawMessage(raw)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// person makes somebody who is erased in the end.
func (f *flock) person() *caller {
	p := signUp(f.t)
	f.people = append(f.people, p)
	return p
}

// ask makes a call with texts in each parameter of the path and the query, none of which is anything.
func (f *flock) ask(method, path string, op operation, p *caller) {
	c := journey.Call{Method: strings.ToUpper(method), IfMatch: "*", Body: map[string]any{}}
	c.Path = parameter.ReplaceAllStringFunc(path, func(name string) string { return f.aside(op.ID+" "+name, p) })
	query := url.Values{}
	for _, in := range op.Parameters {
		if in.In == "query" && len(f.d.texts(in.Schema, []string{in.Name})) > 0 {
			query.Set(in.Name, f.aside(op.ID+" ?"+in.Name, p))
		}
	}
	if c.Path == path && len(query) == 0 {
		return
	}
	c.Path += "?" + query.Encode()
	if len(op.Security) == 0 {
		c.Token = "none"
	}
	if a := p.call(c); a.Status >= 500 {
		f.t.Errorf("%s = %d %s", op.ID, a.Status, a.Body)
	}
}

var needle = regexp.MustCompile(`(?i)kanari[0-9]{6}v|\+49 30 77[0-9]{7}|\bK[0-9]{7}\b`)

// in gives the marks that stand in a text.
func (f *flock) in(text string) []*mark {
	var all []*mark
	for _, n := range needle.FindAllString(text, -1) {
		i := slices.IndexFunc(f.marks, func(m *mark) bool { return strings.EqualFold(needle.FindString(m.text), n) })
		if i >= 0 && !slices.Contains(all, f.marks[i]) {
			all = append(all, f.marks[i])
		}
	}
	return all
}

// place is where a mark stands in a package.
type place struct{ file, record, column, mark string }

// owed gives where the marks must stand in the package of a person: in each record of theirs, under the name that the registry
// gives the field, and nowhere else.
func (f *flock) owed(p *caller, member string) map[place]bool {
	f.t.Helper()
	all := map[place]bool{}
	for _, r := range f.rows() {
		t, ok := rowsMap().Of(fmt.Sprint(r["_type"]))
		own := strings.HasPrefix(fmt.Sprint(r["PK"]), "USER#"+p.user+"#") ||
			strings.HasPrefix(fmt.Sprint(r["PK"]), "ORG#") && t.Subject == registry.SubjectMember && t.MemberIndex != "" && r["member"] == member
		if !ok || !own || t.Export == "" {
			continue
		}
		for _, field := range t.Fields {
			for _, m := range f.in(written(f.t, r[field.Name])) {
				if field.Shown() {
					all[place{t.Export, t.Type, field.Export, m.text}] = true
				}
			}
		}
	}
	return all
}

func (f *flock) rows() []map[string]any {
	f.t.Helper()
	rows, err := cloud.Rows(f.t.Context(), "")
	if err != nil {
		f.t.Fatal(err)
	}
	return rows
}

func written(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// given has a person ask for access, and gives where the marks stand in the package, and those of other files than records.
func (f *flock) given(p *caller) (map[place]bool, []*mark) {
	f.t.Helper()
	id := p.askFor(map[string]any{"type": "access", "description": "Everything, please."})
	p.settle()
	if err := p.RunJob(f.t.Context(), "WorkRequests"); err != nil {
		f.t.Fatal(err)
	}
	p.settle()
	answer, err := http.Get(p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"}).Text("url"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	archive, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		f.t.Fatal(err)
	}
	all, others := map[place]bool{}, []*mark(nil)
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			f.t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			f.t.Fatal(err)
		}
		if path.Dir(file.Name) != "data" || path.Ext(file.Name) != ".json" {
			others = append(others, f.in(string(text))...)
			continue
		}
		var records []map[string]any
		if err := json.Unmarshal(text, &records); err != nil {
			f.t.Fatalf("%s: %v", file.Name, err)
		}
		for _, record := range records {
			for column, v := range record {
				for _, m := range f.in(written(f.t, v)) {
					all[place{strings.TrimSuffix(path.Base(file.Name), ".json"), fmt.Sprint(record["record_type"]), column, m.text}] = true
				}
			}
		}
	}
	return all, others
}

// exact sees that the package of a person holds the marks that it must, where it must, and no other's.
func (f *flock) exact(p *caller, member string) {
	f.t.Helper()
	got, others := f.given(p)
	want := f.owed(p, member)
	shown := map[string]bool{}
	for w := range want {
		shown[w.mark] = true
		if !got[w] {
			f.t.Errorf("the package of %s lacks %v", p.person.Name, w)
		}
	}
	for g := range got {
		if !want[g] && !sealed(g) {
			f.t.Errorf("the package of %s holds %v, which the registry does not say", p.person.Name, g)
		}
	}
	for _, m := range others {
		if !shown[m.text] {
			f.t.Errorf("a file of the package of %s holds %q of %s", p.person.Name, m.text, m.where)
		}
	}
	if f.t.Logf("%d marks stand in the package of %s", len(shown), p.person.Name); len(shown) == 0 {
		f.t.Errorf("no mark stands in the package of %s", p.person.Name)
	}
}

// sealed says whether a field lies encrypted, so that no row shows what it says.
func sealed(p place) bool {
	t, _ := rowsMap().Of(p.record)
	return slices.ContainsFunc(t.Fields, func(field datamap.Field) bool { return field.Export == p.column && field.Sealed })
}

// scopeOf is the scope that a row lies in.
func scopeOf(row map[string]any) store.Scope {
	s, _ := store.ScopeOf(fmt.Sprint(row["PK"]))
	return s
}

// left reports every mark that a row, an index, a log line or a provider still has, but what may stay.
func (f *flock) left(when string, whose func(*mark) bool, stays func(t datamap.Row, field datamap.Field, row map[string]any) bool) {
	f.t.Helper()
	kept := map[string]int{}
	for _, r := range f.rows() {
		t, _ := rowsMap().Of(fmt.Sprint(r["_type"]))
		for name, v := range r {
			for _, m := range f.in(written(f.t, v)) {
				i := slices.IndexFunc(t.Fields, func(field datamap.Field) bool { return field.Name == name })
				switch {
				case !whose(m):
				case i >= 0 && stays(t, t.Fields[i], r):
					kept[t.Type+"."+name]++
				case name == "SK" && t.Type == "PROJECTKEY" && stays(t, t.Fields[0], r): // the marker of a project's key is named by it
					kept["PROJECTKEY"]++
				default:
					f.t.Errorf("%s: %s.%s of %v holds %q, which entered with %s", when, t.Type, name, r["PK"], m.text, m.where)
				}
			}
		}
	}
	f.t.Logf("%s: what stays is %v", when, kept)
	for _, l := range cloud.Lambda.Lines(f.since) {
		for _, m := range f.in(l.Text) {
			f.t.Errorf("%s: %s logged %q, which entered with %s", when, l.Function, m.text, m.where)
		}
	}
	for _, o := range cloud.S3.Objects() {
		for _, m := range f.in(o.Key) {
			f.t.Errorf("%s: an object is called %s, by %s", when, o.Key, m.where)
		}
	}
}

// providers sees that nobody outside was told more than a mail says to whom it is written.
func (f *flock) providers() {
	f.t.Helper()
	for _, m := range cloud.Mail.Mails("") {
		for _, found := range f.in(written(f.t, m.Headers) + written(f.t, m.Tags) + m.Key + m.ID) {
			f.t.Errorf("Resend knows %q of %s beside the mail %q", found.text, found.where, m.Subject)
		}
	}
	for _, what := range []any{cloud.Stripe.Sessions(), cloud.Stripe.Events()} {
		for _, found := range f.in(written(f.t, what)) {
			if !strings.HasPrefix(found.where, "at Stripe") {
				f.t.Errorf("Stripe knows %q of %s", found.text, found.where)
			}
		}
	}
}

// leave deletes the account of a person, with the organizations that they own.
func (f *flock) leave(p *caller) {
	f.t.Helper()
	if p.call(journey.Call{Method: "GET", Path: "/v1/me"}).Status == 401 && !p.renewed() {
		a := p.call(journey.Call{Method: "POST", Path: "/v1/auth/login", Token: "none", Body: map[string]any{"email": p.person.Email, "password": p.person.Password}})
		if a.Code() == "account_deleted" {
			return
		}
		if p.token = a.Text("access_token"); p.token == "" {
			f.t.Errorf("%s cannot log in: %s", p.person.Email, a.Body)
			return
		}
	}
	body := map[string]any{"password": p.person.Password}
	a := p.call(journey.Call{Method: "DELETE", Path: "/v1/me", Body: body})
	var undecided struct {
		Details struct{ Organizations []string }
	}
	if a.Code() == "organizations_undecided" && json.Unmarshal(a.Body, &undecided) == nil {
		var decisions []map[string]any
		for _, o := range undecided.Details.Organizations {
			decisions = append(decisions, map[string]any{"organization_id": o, "action": "close"})
		}
		body["organizations"] = decisions
		a = p.call(journey.Call{Method: "DELETE", Path: "/v1/me", Body: body})
	}
	if a.Status != 202 {
		f.t.Errorf("%s cannot leave: %d %s", p.person.Email, a.Status, a.Body)
	}
}

// renewed says whether a person got another token by the one that lasts.
func (c *caller) renewed() bool {
	c.t.Helper()
	a := c.call(journey.Call{Method: "POST", Path: "/v1/auth/refresh", Token: "none", Body: map[string]any{"refresh_token": c.refresh}})
	if a.Status == 200 {
		c.token, c.refresh = a.Text("access_token"), a.Text("refresh_token")
	}
	return a.Status == 200
}

// memberOf gives who a person is in an organization.
func (c *caller) memberOf(organization string) string {
	c.t.Helper()
	a := c.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
	for n := 0; ; n++ {
		at := fmt.Sprint("organizations.", n, ".")
		switch a.Text(at + "organization_id") {
		case organization:
			return a.Text(at + "member_id")
		case "":
			c.t.Fatalf("%s is in no %s: %s", c.person.Email, organization, a.Body)
		}
	}
}

// personal sees that what people say in their own words lies in fields alone that are registered as personal.
func (f *flock) personal() {
	f.t.Helper()
	for _, r := range f.rows() {
		t, _ := rowsMap().Of(fmt.Sprint(r["_type"]))
		for name, v := range r {
			registered := slices.ContainsFunc(t.Fields, func(field datamap.Field) bool { return field.Name == name && field.Personal })
			for _, m := range f.in(written(f.t, v)) {
				if m.free && !registered && name != "taxes" { // a tax has a name, and is nobody
					f.t.Errorf("%s.%s holds %q of %s, and is not registered as personal", t.Type, name, m.text, m.where)
				}
			}
		}
	}
}

// unknown gives the people whose accounts hold marks and whom the test did not make itself.
func (f *flock) unknown() []*caller {
	f.t.Helper()
	var all []*caller
	for _, r := range f.rows() {
		if r["_type"] != "PROFILE" || slices.ContainsFunc(f.people, func(p *caller) bool { return p.user == r["user"] }) {
			continue
		}
		if marks := f.in(written(f.t, r)); len(marks) > 0 {
			all = append(all, &caller{Client: client(), t: f.t, token: "none", user: fmt.Sprint(r["user"]),
				person: journey.Person{Email: fmt.Sprint(r["email"]), Password: marks[0].password}})
		}
	}
	return all
}

// TestWhatEntersStandsWhereTheSchemaSaysAndGoes puts a text that stands nowhere else into every place of every input that
// takes one, for the owner of an organization and a colleague: bodies, paths, queries, headers, webhooks. Their packages hold
// what the registry says, where it says, and nothing of anybody else. Then the colleague is erased while the organization
// lives on, and keeps what they wrote into its work, without author; and everybody else with the organization, which leaves
// nothing but its books, without persons. The small size takes a part of the operations.
func TestWhatEntersStandsWhereTheSchemaSaysAndGoes(t *testing.T) {
	f := &flock{t: t, d: readDocument(t), since: time.Now()}
	owner := f.person()
	colleague, member := owner.colleague("admin")
	f.people = append(f.people, colleague)
	operations := map[string]operation{}
	n := 0
	for _, at := range slices.Sorted(maps.Keys(f.d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(f.d.Paths[at])) {
			op := f.d.Paths[at][method]
			operations[op.ID] = op
			if strings.HasPrefix(at, "/v1/admin/") {
				delete(operations, op.ID) // what PixelTrack's own people write stands in registers
			}
			if n++; n%size.Of(8, 1) == 0 {
				f.ask(method, at, op, colleague)
			}
		}
	}
	alone := 0
	for _, s := range steps() {
		op, ok := operations[s.operation]
		switch {
		case !ok:
		case s.alone || s.moves:
			if alone++; alone%size.Of(6, 1) == 0 {
				f.plant(s, op, f.person)
			}
		default:
			for i, p := range []*caller{owner, colleague} {
				if size.Full() || len(s.operation)%2 == i {
					f.plant(s, op, func() *caller { return p })
				}
			}
		}
	}
	f.webhooks(owner)
	owner.settle()
	taken := 0
	for _, m := range f.marks {
		if m.taken {
			taken++
		}
	}
	t.Logf("%d marks were sent, %d taken", len(f.marks), taken)
	if taken == 0 {
		t.Error("no mark was taken")
	}

	for _, p := range f.people[:2] {
		p.logIn()
	}
	colleague.into(owner.organization)
	f.personal()
	f.exact(owner, owner.memberOf(owner.organization))
	f.exact(colleague, member)

	colleague.askFor(map[string]any{"type": "erasure", "at_once": true})
	for range 5 {
		owner.runLater("work-requests", 16*time.Minute)
	}
	owner.runLater("sweep-uploads", 25*time.Hour) // the clocks of pictures that never came lead to whose they would have been for a day
	f.left("after the erasure of the colleague", func(m *mark) bool { return m.who == colleague && !m.public }, func(t datamap.Row, field datamap.Field, r map[string]any) bool {
		return strings.HasPrefix(fmt.Sprint(r["PK"]), "ORG#"+owner.organization+"#") && t.Subject != registry.SubjectUser
	})
	for _, r := range f.rows() {
		text, lookup := written(t, r), strings.HasPrefix(fmt.Sprint(r["PK"]), "EXT#") && r["expires_at"] != nil
		for _, word := range []string{colleague.person.Name, colleague.person.Email, colleague.user} {
			if strings.Contains(text, word) && (!lookup || word != colleague.user) { // the id of a mail leads to where it was, until it expires
				t.Errorf("of the colleague is left %q in %s", word, text)
			}
		}
	}

	for _, p := range slices.Concat(f.people, f.unknown()) {
		if p != colleague {
			f.leave(p)
		}
	}
	owner.purge()
	owner.runLater("erase-recipients", clients.Settle+time.Second)
	owner.purge()
	books := func(t datamap.Row, field datamap.Field) bool {
		return t.Class == registry.ClassFinance && field.Erase == registry.KeepForDuty
	}
	f.left("after the end of the organizations", func(*mark) bool { return true }, func(t datamap.Row, field datamap.Field, r map[string]any) bool {
		_, correspondent := scopeOf(r).Case() // somebody without an account is none of those who left
		return correspondent || books(t, field)
	})
	for range 3 { // who has only written and showed no code is denied in time
		owner.runLater("work-requests", 30*24*time.Hour)
	}
	owner.runLater("sweep-retention", 5*365*24*time.Hour) // by then the last of it is gone by its age
	owner.purge()
	owner.runLater("sweep-uploads", time.Hour)
	f.left("five years later", func(*mark) bool { return true }, func(t datamap.Row, field datamap.Field, r map[string]any) bool {
		return strings.HasPrefix(fmt.Sprint(r["PK"]), "CASE#0000") || books(t, field) // a ticket that a step wrote past the product has no clock
	})
	f.documents()
	f.providers()
	for _, p := range []*caller{owner, colleague} {
		if rest := p.left(); rest != "" {
			t.Errorf("of %s is left: %s", p.person.Name, rest)
		}
	}
}

// webhooks has providers tell of people: a payer on Stripe's page, and a mail that came back.
func (f *flock) webhooks(p *caller) {
	f.t.Helper()
	name, email := f.aside("at Stripe, the payer's name", p), f.aside("at Stripe, the payer's address", p)+"@example.com"
	p.connected()
	p.steer("sessions/"+p.checkout(p.sendInvoice(p.newInvoice()))+"/pay", map[string]any{"name": name, "email": email})
	for _, kind := range []string{"email.bounced", "email.complained", "email.delivered", "email.received", "contact.created"} {
		body := []byte(written(f.t, map[string]any{"type": kind, "created_at": p.now().Format(time.RFC3339), "data": map[string]any{"email_id": f.aside(kind+" id", p),
			"to": []string{f.aside(kind+" to", p) + "@example.com"}, "from": f.aside(kind+" from", p) + "@example.com", "subject": f.aside(kind+" subject", p),
			"text": f.aside(kind+" text", p), "bounce": map[string]any{"message": f.aside(kind+" message", p), "type": "Permanent"}}}))
		a := p.call(journey.Call{Method: "POST", Path: "/v1/webhooks/resend", Token: "none", Body: body, Headers: signedWebhook("resend-webhook-secret", "msg_"+unique(), body)})
		if a.Status >= 500 {
			f.t.Errorf("%s = %d %s", kind, a.Status, a.Body)
		}
	}
}

// documents sees that no version of an object is left of anybody but the books, and that they name nobody.
func (f *flock) documents() {
	f.t.Helper()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &cloud.Objects, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")})
	for _, o := range cloud.S3.Objects() {
		whose := slices.IndexFunc(f.people, func(p *caller) bool {
			return strings.Contains(o.Key, p.user) || strings.Contains(o.Key, p.organization)
		})
		if whose < 0 || o.Marker || strings.HasPrefix(o.Bucket, "heads") {
			continue
		}
		if !strings.HasSuffix(o.Key, "-bare.pdf") {
			f.t.Errorf("%s holds %s", o.Bucket, o.Key)
			continue
		}
		out, err := client.GetObject(f.t.Context(), &s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: &o.Version})
		if err != nil {
			f.t.Fatal(err)
		}
		pdf, err := io.ReadAll(out.Body)
		if err != nil {
			f.t.Fatal(err)
		}
		text, err := papertest.Text(pdf)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, m := range f.in(text) {
			if !m.duty() {
				f.t.Errorf("the document %s says %q of %s", o.Key, m.text, m.where)
			}
		}
	}
}

// duty says whether a mark entered with what the books must keep: the lines of an invoice and who issued it.
func (m *mark) duty() bool {
	return regexp.MustCompile(`^(create|update)-(invoice|organization) `).MatchString(m.where)
}

// rowsMap is the map of all rows, read once.
var rowsMap = sync.OnceValue(datamap.Current)
