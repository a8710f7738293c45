// Package support is the area of an organisation's questions to PixelTrack.
package support

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{CreateTicket(nil), ListTickets(), GetTicket(), UpdateTicket(nil), CreateTicketMessage(nil), CloseTicket(nil), ReopenTicket(nil),
		RateTicket(nil), RateMailTicket(nil, keys.Links{})}
}

// Rows registers the area's rows.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Ticket{}, Type: "TICKET", Area: "support", Subject: registry.SubjectMember, Purpose: purpose.Support, Basis: registry.Contract,
			Class: registry.ClassSupport, Export: "tickets", Family: string(Family), Scopes: []registry.Scope{registry.InOrganization, registry.InCase},
			MemberIndex: registry.Index1, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"),
				registry.Secret("correspondent", "a keyed hash of the address of who asked without being a member", registry.EraseWithRow),
				registry.Personal("member", "asked_by", "who asked, by random id", registry.EraseUnlink),
				registry.Personal("subject", "subject", "what somebody asks about, in their words", registry.EraseBlank),
				registry.Plain("priority", "a fixed word"), registry.Plain("status", "a fixed word"), registry.Plain("messages", "a count"),
				registry.Plain("closed_at", "a time"), registry.Plain("created", "a time"), registry.Plain("updated", "a time"),
				registry.Plain("files", "a count"),
				registry.Personal("score", "rating", "how content who asked is", registry.EraseBlank),
				registry.Personal("comment", "rating_comment", "what they say of it", registry.EraseBlank), registry.Plain("rated_at", "a time"),
			}},
		{Sample: Message{}, Type: "TICKETMESSAGE", Area: "support", Subject: registry.SubjectMember, Purpose: purpose.Support, Basis: registry.Contract,
			Class: registry.ClassSupport, Export: "ticket_messages", Family: string(FamilyMessages), Scopes: []registry.Scope{registry.InOrganization, registry.InCase},
			Division: registry.ByObject(string(Family)), MemberIndex: registry.Index1, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"),
				registry.Secret("correspondent", "a keyed hash of the address of who asked without being a member", registry.EraseWithRow),
				registry.Plain("ticket", "a random id"), registry.Plain("id", "a random id"),
				registry.Personal("member", "written_by", "who wrote it, by random id", registry.EraseUnlink),
				registry.Personal("text", "text", "what somebody wrote to support", registry.EraseBlank),
				registry.Plain("created", "a time"),
			}},
	}
}

// ByID names a ticket.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The ticket." example:"tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names a ticket and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "ticket_not_found", When: "There is no such ticket, or it is another member's and the caller sees their own alone."}
}

func wrongState(when string) api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "ticket_state", When: when}
}
