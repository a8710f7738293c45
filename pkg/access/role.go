// Package access says who may do what: roles, permissions, and the gate rows that every call is checked against.
package access

import "slices"

// Role is what a member is in an organisation.
type Role string

// The roles. An organisation has exactly one owner.
const (
	Owner       Role = "owner"
	Admin       Role = "admin"
	Manager     Role = "manager"
	Contributor Role = "member"
	Accountant  Role = "accountant"
	Guest       Role = "guest"
)

// Permission is a right to do one kind of thing, resource:action, with :own or :all where it matters whose.
type Permission string

// The permissions.
const (
	OrganizationRead  Permission = "organization:read"
	OrganizationWrite Permission = "organization:write"
	ClientsRead       Permission = "clients:read"
	ClientsWrite      Permission = "clients:write"
	ClientsDelete     Permission = "clients:delete"
	ProjectsRead      Permission = "projects:read"
	ProjectsWrite     Permission = "projects:write"
	ProjectsDelete    Permission = "projects:delete"
	RatesRead         Permission = "rates:read"
	TimeOwn           Permission = "time:write:own"
	TimeAll           Permission = "time:write:all"
	TimeReadOwn       Permission = "time:read:own"
	TimeReadAll       Permission = "time:read:all"
	InvoicesRead      Permission = "invoices:read"
	InvoicesWrite     Permission = "invoices:write"
	InvoicesSend      Permission = "invoices:send"
	InvoicesVoid      Permission = "invoices:void"
	PaymentsRead      Permission = "payments:read"
	PaymentsWrite     Permission = "payments:write"
	FilesRead         Permission = "files:read"
	FilesWrite        Permission = "files:write"
	FilesDeleteOwn    Permission = "files:delete:own"
	FilesDeleteAll    Permission = "files:delete:all"
)

// Roles lists the roles from most to least.
func Roles() []Role { return []Role{Owner, Admin, Manager, Contributor, Accountant, Guest} }

// Permissions gives what a role may do. It is the one table of rights: what is not in it is refused.
func Permissions(r Role) []Permission {
	switch r {
	case Owner, Admin:
		return []Permission{OrganizationRead, OrganizationWrite, ClientsRead, ClientsWrite, ClientsDelete,
			ProjectsRead, ProjectsWrite, ProjectsDelete, RatesRead, TimeOwn, TimeAll, TimeReadOwn, TimeReadAll,
			InvoicesRead, InvoicesWrite, InvoicesSend, InvoicesVoid, PaymentsRead, PaymentsWrite,
			FilesRead, FilesWrite, FilesDeleteOwn, FilesDeleteAll}
	case Manager:
		return []Permission{OrganizationRead, ClientsRead, ClientsWrite, ProjectsRead, ProjectsWrite, TimeOwn, TimeAll,
			TimeReadOwn, TimeReadAll, InvoicesRead, InvoicesWrite, FilesRead, FilesWrite, FilesDeleteOwn, FilesDeleteAll}
	case Contributor:
		return []Permission{OrganizationRead, ClientsRead, ProjectsRead, TimeOwn, TimeReadOwn, FilesRead, FilesWrite, FilesDeleteOwn}
	case Accountant:
		return []Permission{OrganizationRead, ClientsRead, ProjectsRead, RatesRead, TimeReadOwn, TimeReadAll,
			InvoicesRead, InvoicesWrite, InvoicesSend, InvoicesVoid, PaymentsRead, PaymentsWrite, FilesRead}
	case Guest:
		return []Permission{TimeOwn, TimeReadOwn}
	}
	return nil
}

// Allows says whether a role, with the extra grants of a member, has a permission.
func Allows(r Role, grants []Permission, p Permission) bool {
	return slices.Contains(Permissions(r), p) || slices.Contains(grants, p)
}
