package stripe

import (
	"errors"
	"html/template"
	"net/http"
	"strings"
)

// checkout is the page behind the link of a session, where a person pays with a click.
var checkout = template.Must(template.New("checkout").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Pay {{.Amount}}</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; color: #1a1d21 } button { font: inherit; padding: .4rem .9rem; margin: .2rem .2rem .2rem 0 }</style>
<h1>{{.Amount}}</h1>
<ul>{{range .Items}}<li>{{.}}</li>{{end}}</ul>
{{if .Note}}<p role="status">{{.Note}}</p>{{end}}
<form method="post"><button name="outcome" value="paid">Pay</button><button name="outcome" value="declined">Pay with a card that is declined</button><button name="outcome" value="async">Pay by debit, which takes its time</button></form>
{{if .Cancel}}<p><a href="{{.Cancel}}">Back</a></p>{{end}}
<p>No money moves here.</p>
</html>
`))

// page serves what people see of Stripe: checkout and onboarding.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(path) == 3 && path[0] == "c" && path[1] == "pay" && r.Method == http.MethodGet:
		s.show(w, path[2], "")
	case len(path) == 3 && path[0] == "c" && path[1] == "pay" && r.Method == http.MethodPost:
		s.click(w, r, path[2])
	case len(path) == 4 && path[0] == "setup" && r.Method == http.MethodGet:
		to, err := s.follow(path[3])
		if err != nil {
			http.Error(w, "There is no such link.", http.StatusNotFound)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) show(w http.ResponseWriter, id, note string) {
	s.mu.Lock()
	s.expireOpen()
	b, o := s.find("checkout.session", id)
	if o == nil || o.text("status") != "open" {
		s.mu.Unlock()
		http.Error(w, "This session is over.", http.StatusNotFound)
		return
	}
	view := struct {
		Amount, Note, Cancel string
		Items                []string
	}{Amount: money(o.number("amount_total"), o.text("currency")), Note: note, Cancel: o.text("cancel_url")}
	for _, item := range b.items[id] {
		view.Items = append(view.Items, item.text("description")+", "+money(item.number("amount_total"), o.text("currency")))
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = checkout.Execute(w, view) // a lost connection is the reader's
}

// click pays as the button says and leads to where the session does.
func (s *Server) click(w http.ResponseWriter, r *http.Request, id string) {
	outcome := r.FormValue("outcome")
	_, err := s.Pay(id, Payment{Outcome: outcome})
	switch {
	case errors.Is(err, ErrMissing):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, "This session is over.", http.StatusConflict)
	case outcome == "declined":
		s.show(w, id, "The card was declined.")
	default:
		s.mu.Lock()
		_, o := s.find("checkout.session", id)
		to := strings.ReplaceAll(o.text("success_url"), "{CHECKOUT_SESSION_ID}", id)
		s.mu.Unlock()
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}
