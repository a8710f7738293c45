// Package compose is how an area says what its mails look like. A mail in the outbox names a template and ids; when it is
// sent, its template reads the recipient and whatever else it needs in the scope that the mail lies in, and writes it.
package compose

import (
	"context"
	"errors"
	"fmt"

	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
)

// ErrGone says that there is nobody left to write to, or nothing left to write about: an erased account, a sign-up that
// has expired. The mail is dropped.
var ErrGone = errors.New("compose: the mail is no longer wanted")

// Template writes the mails of one kind. An area exports its templates; the sender collects them.
type Template struct {
	Kind    string // the name that outbox.Queue was given: confirm_sign_up
	Compose func(ctx context.Context, c *Composer, m *outbox.Mail) (mail.Message, error)
}

// Person is a recipient.
type Person struct {
	Name    string // may be empty
	Address string
}

// Composer is what a template may use. It reads; it writes nothing.
type Composer struct {
	Store     *store.Store
	Actor     store.Actor
	Links     keys.Links
	PublicURL string     // the base of the links, without a slash at its end
	From      string     // PixelTrack <no-reply@mail.example.org>
	Boxes     mail.Boxes // where answers come in

	// People reads where a user is reached. It gives ErrGone for an account that is not there.
	People func(ctx context.Context, h *store.User) (Person, error)
}

// User gives the handle of the user in whose scope a mail lies. It sees restricted rows: a mail about the service or
// about a right is for the very person whose data is restricted.
func (c *Composer) User(m *outbox.Mail) (*store.User, error) {
	s, _ := store.ScopeOf(m.PK)
	user, ok := s.User()
	if !ok {
		return nil, fmt.Errorf("compose %s: not in the scope of a user", m.Template)
	}
	h := c.Store.BindUser(user, c.Actor)
	h.SeeRestricted()
	return h, nil
}

// Case gives the handle of the request or link in whose scope a mail lies.
func (c *Composer) Case(m *outbox.Mail) (*store.Case, error) {
	s, _ := store.ScopeOf(m.PK)
	hash, ok := s.Case()
	if !ok {
		return nil, fmt.Errorf("compose %s: not in the scope of a case", m.Template)
	}
	h := c.Store.BindCase(hash, c.Actor)
	h.SeeRestricted()
	return h, nil
}

// Organization gives the handle of the organisation in whose scope a mail lies.
func (c *Composer) Organization(m *outbox.Mail) (*store.Organization, error) {
	s, _ := store.ScopeOf(m.PK)
	org, ok := s.Organization()
	if !ok {
		return nil, fmt.Errorf("compose %s: not in the scope of an organization", m.Template)
	}
	h := c.Store.BindOrganization(org, c.Actor)
	h.SeeRestricted()
	return h, nil
}

// Recipient is the user in whose scope a mail lies, or ErrGone.
func (c *Composer) Recipient(ctx context.Context, m *outbox.Mail) (Person, error) {
	h, err := c.User(m)
	if err != nil {
		return Person{}, err
	}
	return c.People(ctx, h)
}

// Page is a link to a page of the web app; path starts with a slash.
func (c *Composer) Page(path string) string { return c.PublicURL + path }

// Link is a link to a page with a token of a purpose for one id. The token is the link's fragment, which browsers send
// to nobody and no log of a server sees.
func (c *Composer) Link(path, purpose, id string) string {
	return c.PublicURL + path + "#token=" + c.Links.Token(purpose, id)
}

// Letter is the text of a mail.
type Letter struct {
	Subject    string
	Paragraphs []string
	Link       mail.Link // without a URL there is none
}

// Write makes the mail of a letter. It says the same whenever it is written, so that a repeat is the same mail: a letter
// names no time that has passed since.
func (c *Composer) Write(to Person, l Letter) mail.Message {
	subject := mail.OneLine(l.Subject)
	text, markup := mail.Render(subject, l.Paragraphs, l.Link)
	return mail.Message{From: c.From, To: to.Address, Subject: subject, Text: text, HTML: markup}
}

// Gone turns store.ErrMissing into ErrGone, for the row that a mail is about.
func Gone(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return ErrGone
	}
	return err
}
