package journey

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Person is who plays the journey. The texts are marks: after the erasure none may be found anywhere.
type Person struct {
	Name, Email, Password, Organization, JobTitle string
}

// NewPerson makes somebody who does not exist, with a mark that no other run has.
func NewPerson() Person {
	b := make([]byte, 5)
	rand.Read(b) // never fails
	mark := hex.EncodeToString(b)
	return Person{
		Name:         "Ada Example " + mark,
		Email:        "ada." + mark + "@example.com",
		Password:     "correct horse " + mark + " staple",
		Organization: "Studio " + mark,
		JobTitle:     "Designer " + mark,
	}
}

// marks are the texts that belong to the person alone.
func (p Person) marks() []string {
	return []string{p.Name, p.Email, p.Password, p.JobTitle, strings.Split(p.Email, "@")[0]}
}

// player goes through the journey step by step and stops at the first thing that is not as it should be.
type player struct {
	*Client
	ctx    context.Context
	out    io.Writer
	person Person
	err    error
	step   int

	access, refresh        string
	user, org              string
	client, project, entry string
	file                   string

	contact                        Person // of the client
	account, invoice, number, link string
	payment                        string
}

// Play goes through the first journey and prints each step: from sign-up to the paid invoice, to erasure, and to the end of
// the seven years; over HTTP alone.
func Play(ctx context.Context, c *Client, out io.Writer) error {
	p := &player{Client: c, ctx: ctx, out: out, person: NewPerson(), contact: NewPerson()}
	for _, step := range []func(){
		p.signUp, p.confirm, p.logIn, p.makeClient, p.makeProject, p.track, p.enter,
		p.connect, p.bill, p.pay, p.giveBack, p.upload, p.askForAccess, p.forgetClient,
		p.deleteAccount, p.restore, p.deleteAgain, p.pass, p.vanish, p.stands, p.end,
	} {
		step()
		if p.err != nil {
			return fmt.Errorf("step %d: %w", p.step, p.err)
		}
	}
	fmt.Fprintf(out, "\nDone: %d steps, and nothing of %s is left.\n", p.step, "the person")
	return nil
}

func (p *player) say(format string, args ...any) {
	p.step++
	fmt.Fprintf(p.out, "%2d. %s\n", p.step, fmt.Sprintf(format, args...))
}

func (p *player) note(format string, args ...any) {
	fmt.Fprintf(p.out, "    %s\n", fmt.Sprintf(format, args...))
}

func (p *player) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// call makes a call that must answer one status.
func (p *player) call(want int, c Call) Answer {
	if p.err != nil {
		return Answer{}
	}
	if c.Token == "" {
		c.Token = p.access
	}
	a, err := p.Do(p.ctx, c)
	if err != nil {
		p.fail("%s %s: %w", c.Method, c.Path, err)
		return a
	}
	if a.Status != want {
		p.fail("%s %s = %d; want %d: %s", c.Method, c.Path, a.Status, want, a.Body)
		return a
	}
	p.note("%s %s → %d", c.Method, c.Path, a.Status)
	return a
}

func (p *player) do(what string, err error) {
	if err != nil {
		p.fail("%s: %w", what, err)
	}
}

// anonymous makes a call without a token.
func (p *player) anonymous(want int, c Call) Answer {
	token := p.access
	p.access = ""
	defer func() { p.access = token }()
	return p.call(want, c)
}

// mail waits for the newest mail to the person whose subject has a word, and gives the token of its link.
func (p *player) mail(subject string) string {
	if p.err != nil {
		return ""
	}
	p.do("settle", p.Settle(p.ctx))
	token, err := TokenOf(p.ctx, p.Client, p.person.Email, subject)
	p.do("mail", err)
	p.note("a mail about %q has come", subject)
	return token
}

// TokenOf gives the token of the link in the newest mail to an address whose subject has a word. It is empty when the
// mail has no such link.
func TokenOf(ctx context.Context, c *Client, to, subject string) (string, error) {
	mails, err := c.Mails(ctx, to)
	if err != nil {
		return "", err
	}
	for _, m := range mails {
		if !strings.Contains(strings.ToLower(m.Subject), strings.ToLower(subject)) {
			continue
		}
		for _, link := range m.Links {
			u, err := url.Parse(link)
			if err != nil {
				continue
			}
			if token := u.Query().Get("token"); token != "" {
				return token, nil
			}
			if fragment, err := url.ParseQuery(u.Fragment); err == nil && fragment.Get("token") != "" {
				return fragment.Get("token"), nil
			}
		}
		return "", nil
	}
	return "", fmt.Errorf("no mail with %q in its subject among %d", subject, len(mails))
}

func (p *player) signUp() {
	p.say("Sign up")
	policy := p.anonymous(200, Call{Method: http.MethodGet, Path: "/v1/privacy/policy"})
	p.anonymous(202, Call{Method: http.MethodPost, Path: "/v1/auth/signup", Body: map[string]any{
		"date_of_birth": "1990-04-01", "name": p.person.Name, "email": p.person.Email, "password": p.person.Password,
		"country": "DE", "policy_version": number(policy.Text("version")), "policy_hash": policy.Text("sha256"),
		"organization_name": p.person.Organization,
	}})
}

func number(text string) any {
	n := json.Number(text)
	if _, err := n.Int64(); err != nil {
		return text
	}
	return n
}

func (p *player) confirm() {
	p.say("Confirm by the mailed link")
	token := p.mail("confirm")
	a := p.anonymous(201, Call{Method: http.MethodPost, Path: "/v1/auth/confirm", Body: map[string]any{"token": token, "password": p.person.Password}})
	p.org = a.Text("organization.id")
	p.user = a.Text("user.id")
}

func (p *player) logIn() {
	p.say("Log in")
	a := p.anonymous(200, Call{Method: http.MethodPost, Path: "/v1/auth/login", Body: map[string]any{"email": p.person.Email, "password": p.person.Password}})
	p.access, p.refresh = a.Text("access_token"), a.Text("refresh_token")
	me := p.call(200, Call{Method: http.MethodGet, Path: "/v1/me"})
	p.call(200, Call{Method: http.MethodPatch, Path: "/v1/me", IfMatch: me.Header.Get("ETag"), Body: map[string]any{"job_title": p.person.JobTitle}})
}

// renew trades the refresh token for fresh ones after the clock has moved.
func (p *player) renew() {
	a := p.anonymous(200, Call{Method: http.MethodPost, Path: "/v1/auth/refresh", Body: map[string]any{"refresh_token": p.refresh}})
	p.access, p.refresh = a.Text("access_token"), a.Text("refresh_token")
}

func (p *player) makeClient() {
	p.say("Make a client")
	a := p.call(201, Call{Method: http.MethodPost, Path: "/v1/clients", Key: "demo-client", Body: map[string]any{"name": p.contact.Name, "email": p.contact.Email, "currency": "EUR"}})
	p.client = a.Text("id")
}

func (p *player) makeProject() {
	p.say("Make a project")
	a := p.call(201, Call{Method: http.MethodPost, Path: "/v1/projects", Body: map[string]any{"key": "WEB", "name": "New web site", "client_id": p.client}})
	p.project = a.Text("id")
}

func (p *player) track() {
	p.say("Start a timer, let 90 minutes pass, stop it")
	begun := time.Now()
	p.call(201, Call{Method: http.MethodPost, Path: "/v1/timer", Body: map[string]any{"project_id": p.project, "note": "Sketches"}})
	second := p.call(409, Call{Method: http.MethodPost, Path: "/v1/timer", Body: map[string]any{"project_id": p.project}})
	p.note("a second timer is refused: %s", second.Code())
	p.do("clock", p.Advance(p.ctx, 90*time.Minute))
	p.renew()
	a := p.call(201, Call{Method: http.MethodPost, Path: "/v1/timer/stop"})
	const passed = 90 * 60
	took := int(time.Since(begun).Seconds()) + 1 // a function that is called for the first time is built first
	if seconds, err := strconv.Atoi(a.Text("duration_seconds")); p.err == nil && (err != nil || seconds < passed || seconds > passed+took) {
		p.fail("the entry has %s seconds; want %d, and up to %d more", a.Text("duration_seconds"), passed, took)
	}
	p.entry = a.Text("id")
	p.note("the entry has %s seconds", a.Text("duration_seconds"))
}

func (p *player) enter() {
	p.say("Write an entry by hand and list both")
	now, err := p.Now(p.ctx)
	p.do("now", err)
	p.call(201, Call{Method: http.MethodPost, Path: "/v1/time-entries", Body: map[string]any{
		"project_id": p.project, "note": "Meeting", "time_zone": "Europe/Berlin",
		"start": now.Add(-5 * time.Hour).Format(time.RFC3339), "end": now.Add(-4 * time.Hour).Format(time.RFC3339),
	}})
	list := p.call(200, Call{Method: http.MethodGet, Path: "/v1/time-entries?from=" + now.AddDate(0, 0, -2).Format(time.DateOnly) + "&to=" + now.AddDate(0, 0, 2).Format(time.DateOnly)})
	if p.err == nil && (list.Text("data.1.id") == "" || list.Text("data.2.id") != "") {
		p.fail("the list is not the two entries: %s", list.Body)
	}
}

func (p *player) askForAccess() {
	p.say("Ask for access to all personal data")
	a := p.call(201, Call{Method: http.MethodPost, Path: "/v1/dsr", Body: map[string]any{"type": "access", "description": "Everything you hold on me, please."}})
	id := a.Text("id")
	p.note("due at %s", a.Text("due_at"))
	p.mail("request")
	p.do("worker", p.RunJob(p.ctx, "WorkRequests"))
	p.do("settle", p.Settle(p.ctx))
	one := p.call(200, Call{Method: http.MethodGet, Path: "/v1/dsr/" + id})
	if p.err == nil && one.Text("state") != "fulfilled" {
		p.fail("the request is %q; want fulfilled: %s", one.Text("state"), one.Body)
	}
	link := p.call(200, Call{Method: http.MethodGet, Path: "/v1/dsr/" + id + "/download"})
	if p.err != nil {
		return
	}
	p.verify(link.Text("url"), p.person.Name, p.person.Email, p.person.JobTitle, "Sketches of "+p.person.Name)
}

// verify fetches a package, checks every file against its manifest, and looks for what must be in it.
func (p *player) verify(link string, marks ...string) {
	res, err := http.Get(link)
	if err != nil {
		p.fail("download: %w", err)
		return
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		p.fail("download = %d, %v: %.300s", res.StatusCode, err, text)
		return
	}
	files, err := CheckPackage(text)
	if err != nil {
		p.fail("package: %w", err)
		return
	}
	for _, mark := range marks {
		if !strings.Contains(files, mark) {
			p.fail("the package does not hold %q", mark)
		}
	}
	if strings.Contains(files, p.person.Password) || strings.Contains(files, "argon2") {
		p.fail("the package holds the password or its hash")
	}
	p.note("the zip has %d bytes and its manifest is right", len(text))
}

// CheckPackage checks a zip of an export against its manifest and gives all its text.
func CheckPackage(archive []byte) (string, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return "", err
	}
	contents := map[string][]byte{}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.Name, err)
		}
		contents[f.Name] = text
		all.Write(text)
	}
	var manifest struct {
		Files []struct {
			Path   string `json:"path"`
			Size   int    `json:"size"`
			SHA256 string `json:"sha256"`
		} `json:"files"`
	}
	if err := json.Unmarshal(contents["manifest.json"], &manifest); err != nil {
		return "", fmt.Errorf("manifest.json: %w", err)
	}
	if len(manifest.Files) != len(contents)-1 {
		return "", fmt.Errorf("the manifest names %d of %d files", len(manifest.Files), len(contents)-1)
	}
	for _, f := range manifest.Files {
		sum := sha256.Sum256(contents[f.Path])
		if hex.EncodeToString(sum[:]) != f.SHA256 || len(contents[f.Path]) != f.Size {
			return "", fmt.Errorf("%s is not what the manifest says", f.Path)
		}
	}
	return all.String(), nil
}

func (p *player) deletion() map[string]any {
	return map[string]any{"password": p.person.Password, "organizations": []map[string]any{{"organization_id": p.org, "action": "close"}}}
}

func (p *player) deleteAccount() {
	p.say("Delete the account; the organization closes with it")
	p.call(202, Call{Method: http.MethodDelete, Path: "/v1/me", Body: p.deletion()})
	refused := p.call(401, Call{Method: http.MethodGet, Path: "/v1/me"})
	p.note("the token no longer counts: %s", refused.Code())
}

func (p *player) restore() {
	p.say("Restore it on day 29")
	token := p.mail("delet")
	p.do("clock", p.Advance(p.ctx, 29*24*time.Hour))
	p.do("sweep", p.Sweep(p.ctx))
	p.do("job", p.RunJob(p.ctx, "SweepRetention"))
	p.do("settle", p.Settle(p.ctx))
	p.anonymous(200, Call{Method: http.MethodPost, Path: "/v1/auth/restore", Body: map[string]any{"token": token, "password": p.person.Password}})
	p.access = ""
	a := p.anonymous(200, Call{Method: http.MethodPost, Path: "/v1/auth/login", Body: map[string]any{"email": p.person.Email, "password": p.person.Password}})
	p.access, p.refresh = a.Text("access_token"), a.Text("refresh_token")
	p.call(200, Call{Method: http.MethodGet, Path: "/v1/projects/" + p.project})
	p.call(200, Call{Method: http.MethodGet, Path: "/v1/time-entries/" + p.entry})
	p.fetch([]byte("Sketches of " + p.person.Name))
}

func (p *player) deleteAgain() {
	p.say("Delete it again, and fetch what the organization closes with")
	p.call(202, Call{Method: http.MethodDelete, Path: "/v1/me", Body: p.deletion()})
	p.do("settle", p.Settle(p.ctx))
	p.do("clock", p.Advance(p.ctx, 2*time.Minute))
	p.do("job", p.RunJob(p.ctx, "CloseOrganizations"))
	p.do("settle", p.Settle(p.ctx))
	p.fetchOrganization()
}

func (p *player) pass() {
	p.say("Let 30 days and one sweep go by")
	p.do("clock", p.Advance(p.ctx, 30*24*time.Hour+time.Minute))
	p.do("job", p.RunJob(p.ctx, "SweepRetention"))
	p.do("settle", p.Settle(p.ctx))
	p.do("sweep", p.Sweep(p.ctx))
	p.do("settle", p.Settle(p.ctx))
}

// fetchOrganization downloads what the organization was closed with, though its owner has no session any more.
func (p *player) fetchOrganization() {
	token := p.mail("export of your organization")
	wrong := p.anonymous(401, Call{Method: http.MethodPost, Path: "/v1/privacy/exports/download", Body: map[string]any{"token": token, "password": "a guess of somebody else"}})
	p.note("the link alone is not enough: %s", wrong.Code())
	link := p.anonymous(200, Call{Method: http.MethodPost, Path: "/v1/privacy/exports/download", Body: map[string]any{"token": token, "password": p.person.Password}})
	if p.err != nil {
		return
	}
	p.verify(link.Text("url"), p.person.Organization, "New web site", "Meeting", "Sketches of "+p.person.Name, p.number+".pdf")
}

func (p *player) vanish() {
	p.say("Look for anything that is left")
	for _, what := range []string{"table", "objects", "logs"} {
		text, err := p.Raw(p.ctx, what)
		p.do(what, err)
		for _, mark := range slices.Concat(p.person.marks(), p.contact.marks(), []string{p.user}) {
			if mark != "" && strings.Contains(text, mark) {
				p.fail("%s still holds %q", what, mark)
			}
		}
		p.note("%s: nothing", what)
	}
	p.anonymous(401, Call{Method: http.MethodPost, Path: "/v1/auth/login", Body: map[string]any{"email": p.person.Email, "password": p.person.Password}})
}
