package files

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// ParentType is a kind of thing that files hang on.
type ParentType string

// The kinds. Another one joins with a parent in parents, and its name in the enumerations of the inputs.
const (
	OfProject ParentType = "project"
	OfClient  ParentType = "client"
	OfTicket  ParentType = "ticket"
)

// parent is what files need to know of a kind of thing that they hang on.
type parent struct {
	of      ParentType
	check   func(text string) error                                           // whether a text is an id of the kind
	open    func(ctx context.Context, c *api.Caller, id string) error         // refuses new files, before the write
	attach  func(tx *store.Tx, org *store.Organization, id string, f id.File) // says in the table that a file hangs on it
	detach  func(tx *store.Tx, org *store.Organization, id string, f id.File)
	refused func(ctx context.Context, org *store.Organization, id string, err error) error // why attaching failed
}

// parents lists the kinds of things that files hang on.
func parents() []parent {
	return []parent{
		{of: OfProject, check: parses[id.Project], open: openProject,
			// Who deletes a project says so first and counts a minute later, so reading it before the write is enough.
			attach: func(tx *store.Tx, org *store.Organization, p string, f id.File) {
				projects.Book(tx, org, id.Project(p), projects.Number(f))
			},
			detach: func(tx *store.Tx, org *store.Organization, p string, f id.File) {
				projects.Free(tx, org, id.Project(p), projects.Number(f))
			},
			refused: func(_ context.Context, _ *store.Organization, _ string, err error) error { return err }},
		{of: OfClient, check: parses[id.Client],
			open: func(context.Context, *api.Caller, string) error { return nil }, // attaching asks the row itself
			attach: func(tx *store.Tx, org *store.Organization, c string, _ id.File) {
				clients.Attach(tx, org, id.Client(c))
			},
			detach: func(tx *store.Tx, org *store.Organization, c string, _ id.File) {
				clients.Detach(tx, org, id.Client(c))
			},
			refused: whyNotClient},
		{of: OfTicket, check: parses[id.Ticket], open: openTicket,
			attach: func(tx *store.Tx, org *store.Organization, t string, _ id.File) {
				support.Attach(tx, org, id.Ticket(t))
			},
			detach: func(tx *store.Tx, org *store.Organization, t string, _ id.File) {
				support.Detach(tx, org, id.Ticket(t))
			},
			refused: whyNotTicket},
	}
}

// parentOf finds a kind.
func parentOf(of ParentType) (parent, error) {
	for _, p := range parents() {
		if p.of == of {
			return p, nil
		}
	}
	return parent{}, problem.InvalidField("body.parent_type", "not a kind of thing that files hang on")
}

func parses[T id.Kind](text string) error {
	_, err := id.Parse[T](text)
	return err
}

func parentRefusals() []api.Refusal {
	return []api.Refusal{
		{Kind: problem.NotFound, Code: "project_not_found", When: "There is no such project in the organization, or you see those that you work on alone, and it is none of them."},
		{Kind: problem.NotFound, Code: "client_not_found", When: "There is no such client in the organization."},
		{Kind: problem.NotFound, Code: "ticket_not_found", When: "There is no such ticket in the organization, or it is another member's and the caller sees their own alone."},
		{Kind: problem.Conflict, Code: "ticket_closed", When: "The ticket is closed."},
		{Kind: problem.Conflict, Code: "project_archived", When: "The project is archived."},
		{Kind: problem.Conflict, Code: "project_closing", When: "The project is being deleted."},
		{Kind: problem.Conflict, Code: "client_archived", When: "The client is archived."},
	}
}

func openProject(ctx context.Context, c *api.Caller, text string) error {
	p, err := projects.See(ctx, c, text)
	if err != nil {
		return err
	}
	if p.Status == projects.Archived {
		return problem.Of(problem.Conflict, "project_archived", "The project is archived and takes no files.")
	}
	return p.Open()
}

// whyNotClient says why a file could not hang on a client.
func whyNotClient(ctx context.Context, org *store.Organization, client string, err error) error {
	if !errors.Is(err, clients.ErrNotActive) {
		return err
	}
	if _, err := clients.Read(ctx, org, client); err != nil {
		return err
	}
	return problem.Of(problem.Conflict, "client_archived", "The client is archived and takes no files.")
}

// missingParent is the answer for a parent that cannot be there.
func missingParent(of ParentType) error { return problem.Missing(string(of)) }
