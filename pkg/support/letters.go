package support

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// Templates lists the mails of this area. Each goes to who asked, and can be answered: the answer comes into the ticket.
func Templates() []compose.Template {
	return []compose.Template{
		{Kind: MailReceived, Compose: letter(func(_ context.Context, about subject) (compose.Letter, error) {
			return compose.Letter{Subject: "We have your message", Paragraphs: []string{"Your message has reached PixelTrack's support. Its number is " + string(about.t.ID) + ".",
				"To add something, answer this mail."}}, nil
		})},
		{Kind: MailAnswered, Compose: letter(func(ctx context.Context, about subject) (compose.Letter, error) {
			text, err := about.said(ctx)
			if text == "" && err == nil {
				err = compose.ErrGone
			}
			return compose.Letter{Subject: "Re: " + about.title(), Paragraphs: []string{mail.Above, text, "To answer, answer this mail. The number of your question is " + string(about.t.ID) + "."}}, err
		})},
		{Kind: MailSolved, Compose: letter(func(ctx context.Context, about subject) (compose.Letter, error) {
			text, err := about.said(ctx)
			l := compose.Letter{Subject: "Solved: " + about.title(), Paragraphs: []string{mail.Above}, Link: about.rating()}
			if text != "" {
				l.Paragraphs = append(l.Paragraphs, text)
			}
			l.Paragraphs = append(l.Paragraphs, "We think that this answers your question. If it does not, answer this mail, and it is open again.")
			return l, err
		})},
		{Kind: MailClosed, Compose: letter(func(_ context.Context, about subject) (compose.Letter, error) {
			if about.t.Status != Closed {
				return compose.Letter{}, compose.ErrGone // it is open again
			}
			return compose.Letter{Subject: "Closed: " + about.title(), Paragraphs: []string{"Your question is closed. For 14 days an answer to this mail opens it again.",
				"On " + time.Unix(about.t.DueAt, 0).UTC().Format(time.DateOnly) + " it is deleted, with everything that was said in it."}, Link: about.rating()}, nil
		})},
	}
}

// subject is what a mail about a ticket is written from.
type subject struct {
	c *compose.Composer
	m *outbox.Mail
	h outbox.Holder
	t *Ticket
}

// title is the ticket's subject, unless it was erased.
func (s subject) title() string {
	if s.t.Subject == "" {
		return noSubject
	}
	return s.t.Subject
}

// said is the answer that the mail is about: the message of its number, which another than who asked wrote.
func (s subject) said(ctx context.Context) (string, error) {
	n, err := strconv.Atoi(s.m.Ids["message"])
	if err != nil {
		return "", fmt.Errorf("compose %s: %w", s.m.Template, err)
	}
	messages, _, err := store.List[Message](ctx, s.h, store.Query{Partition: s.h.Scope().Partition(FamilyMessages, string(s.t.ID)), Limit: MaxMessages})
	if err != nil || n > len(messages) {
		return "", err
	}
	return messages[n-1].Text, nil
}

// rating leads to where the ticket is rated: of a member's in the product, of a correspondent's by the link.
func (s subject) rating() mail.Link {
	l := mail.Link{Label: "How was it?", URL: s.c.Page("/support/tickets/" + string(s.t.ID) + "/rating")}
	if hash, ok := s.h.Scope().Case(); ok {
		l.URL = s.c.Page("/support/rating#pass=" + Pass(s.c.Links, hash, s.t.ID))
	}
	return l
}

// letter makes the template of a mail about a ticket.
func letter(write func(context.Context, subject) (compose.Letter, error)) func(context.Context, *compose.Composer, *outbox.Mail) (mail.Message, error) {
	return func(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
		h, ok := outbox.Bind(c.Store, c.Actor, m.Keys().Primary)
		if !ok {
			return mail.Message{}, fmt.Errorf("compose %s: in no scope of a ticket", m.Template)
		}
		ticket := id.Ticket(m.Ids["ticket"])
		t, err := store.Get[Ticket](ctx, h, KeyIn(h.Scope(), ticket))
		if err != nil {
			return mail.Message{}, compose.Gone(err)
		}
		to, err := asker(ctx, c, h, t)
		if err != nil {
			return mail.Message{}, err
		}
		l, err := write(ctx, subject{c, m, h, t})
		if err != nil {
			return mail.Message{}, err
		}
		message := c.Write(to, l)
		message.ReplyTo = c.Boxes.Reply(mail.SupportBox, Tag(c.Links, h.Scope(), t.ID))
		if m.Template != MailAnswered && m.Template != MailSolved {
			message.Headers = map[string]string{"Auto-Submitted": "auto-replied"} // RFC 3834: no machine need answer
		}
		return message, nil
	}
}

// asker is who asked. A member who has left, or whose account has gone, is not written to.
func asker(ctx context.Context, c *compose.Composer, h outbox.Holder, t *Ticket) (compose.Person, error) {
	if hash, ok := h.Scope().Case(); ok {
		return correspondents.Person(ctx, c.Store.BindCase(hash, c.Actor))
	}
	a, err := store.Get[access.Access](ctx, h, access.AccessKey(t.Org, t.Member))
	if err != nil {
		return compose.Person{}, compose.Gone(err)
	}
	if !a.Live() {
		return compose.Person{}, compose.ErrGone
	}
	user := c.Store.BindUser(a.User, c.Actor)
	user.SeeRestricted()
	return c.People(ctx, user)
}
