// Package timetracking is the area of the time that members spend: the running timer and time entries.
package timetracking

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{StartTimer(nil), GetTimer(), StopTimer(nil), DiscardTimer(nil),
		CreateTimeEntry(nil), ListTimeEntries(), GetTimeEntry(), UpdateTimeEntry(nil), DeleteTimeEntry(nil)}
}

// Rows registers the area's rows.
func Rows() []registry.Row {
	in := []registry.Scope{registry.InOrganization}
	note := registry.Personal("note", "note", "what the person worked on, in their words", registry.KeepController)
	member := registry.Personal("member", "member", "whose time it is, by random id", registry.EraseUnlink)
	return []registry.Row{
		{Sample: Entry{}, Type: "TIMEENTRY", Area: "time", Subject: registry.SubjectMember, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "time_entries", Family: string(FamilyEntry), Scopes: in, Division: registry.ByMonth,
			MemberIndex: registry.Index2, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"), member, registry.Plain("project", "a random id"),
				note, registry.Plain("billable", "a mark"), registry.Personal("time_zone", "time_zone", "in which zone the day is counted", registry.EraseUnlink),
				registry.Personal("date", "date", "on which day the person worked", registry.EraseUnlink),
				registry.Personal("start", "start", "when the person worked", registry.EraseUnlink),
				registry.Personal("end", "end", "when the person worked", registry.EraseUnlink),
				registry.Personal("seconds", "seconds", "how long the person worked", registry.EraseUnlink),
				registry.Plain("rate", "an amount"), registry.Plain("invoice", "a random id"), registry.Plain("created", "a time"), registry.Plain("updated", "a time"),
			}},
		{Sample: Timer{}, Type: "TIMER", Area: "time", Subject: registry.SubjectMember, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "timers", Family: string(FamilyTimer), Scopes: in,
			MemberIndex: registry.Index1, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"), member, registry.Plain("project", "a random id"),
				note, registry.Plain("billable", "a mark"), registry.Personal("time_zone", "time_zone", "in which zone the day is counted", registry.EraseUnlink),
				registry.Plain("rate", "an amount"), registry.Personal("started", "started", "when the person began to work", registry.EraseUnlink),
			}},
		{Sample: Running{}, Type: "RUNNING", Area: "time", Subject: registry.SubjectUser, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "running_timer", Family: string(FamilyRunning), Scopes: []registry.Scope{registry.InUser},
			Fields: []registry.Field{
				registry.Plain("org", "a random id"), registry.Plain("member", "a random id"), registry.Plain("timer", "a random id"),
				registry.Personal("started", "started", "when the person began to work", registry.EraseWithRow),
			}},
	}
}
