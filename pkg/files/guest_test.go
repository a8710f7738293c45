package files_test

import (
	"net/http"
	"reflect"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/projects"
)

const noProject = "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"

// guests gives a guest who was granted files and works on one project, and a file of that and of another.
func guests(t *testing.T) (w world, owner, guest apitest.Caller, on, off files.FileBody) {
	w = newWorld(t)
	owner = w.Organization()
	guest = w.Member(owner.Org, access.Guest)
	w.Want(w.Call(members.UpdateMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(guest.Member), IfMatch: "*",
		Body: map[string]any{"grants": []access.Permission{access.FilesRead, access.FilesWrite, access.FilesDeleteOwn, access.FilesDeleteAll}}}), http.StatusOK, "")
	on, off = w.there(owner, w.project(owner, "WEB")), w.there(owner, w.project(owner, "APP"))
	w.Want(w.Call(projects.CreateProjectMember(w.Store), owner, apitest.Request{Path: "/v1/projects/" + on.ParentID + "/members",
		Body: map[string]any{"member_id": string(guest.Member)}}), http.StatusCreated, "")
	return w, owner, guest, on, off
}

func (w world) takeOff(owner, guest apitest.Caller, project string) {
	w.T.Helper()
	w.Want(w.Call(projects.DeleteProjectMember(w.Store), owner, apitest.Request{Path: "/v1/projects/" + project + "/members/" + string(guest.Member), IfMatch: "*"}), http.StatusNoContent, "")
}

func TestAGuestHangsNoFileOnAProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	hang := func(project string) apitest.Answer {
		return w.create(guest, apitest.Request{Body: announce(project, nil)})
	}
	for _, project := range []string{off.ParentID, noProject} {
		w.Want(hang(project), http.StatusNotFound, "project_not_found")
	}
	w.Want(hang(on.ParentID), http.StatusCreated, "")
	w.takeOff(owner, guest, on.ParentID)
	w.Want(hang(on.ParentID), http.StatusNotFound, "project_not_found")
}

func TestAGuestListsNoFilesOfAProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	w.there(owner, off.ParentID) // so that a page of one has another after it
	gone := w.there(owner, off.ParentID)
	since := "updated_since=" + w.Clock.Now().Format("2006-01-02T15:04:05Z") + "&"
	w.Want(w.del(owner, gone, "*"), http.StatusNoContent, "")
	for _, query := range []string{"", "limit=1&", since} {
		none := w.list(guest, query+"parent_type=project&parent_id="+noProject)
		if got := w.list(guest, query+"parent_type=project&parent_id="+off.ParentID); !reflect.DeepEqual(got, none) {
			t.Errorf("%q lists %+v of a project that a guest is not on, %+v of one that never was; want them alike", query, got, none)
		}
	}
	for _, query := range []string{"", "parent_type=project&parent_id=" + on.ParentID} {
		if l := w.list(guest, query); len(l.Data) != 1 || l.Data[0].ID != on.ID {
			t.Errorf("%q lists %+v; want the file of the guest's project alone", query, l.Data)
		}
	}
	if l := w.list(w.Member(owner.Org, access.Contributor), ""); len(l.Data) != 3 {
		t.Errorf("a member lists %d files; want all 3", len(l.Data))
	}
}

func TestAGuestSeesNoFileOfAProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	pending := w.asked(owner, off.ParentID)
	w.send(pending)
	refused := func(b files.FileBody) {
		t.Helper()
		for name, a := range map[string]apitest.Answer{"get": w.get(guest, b), "download": w.download(guest, b), "confirm": w.confirm(guest, b),
			"rename": w.rename(guest, b, "x.pdf", "*"), "delete": w.del(guest, b, "*")} {
			if a.Status != http.StatusNotFound || a.Code() != "file_not_found" {
				t.Errorf("%s = %d %s; want 404 file_not_found", name, a.Status, a.Code())
			}
		}
	}
	refused(off)
	refused(pending)
	w.Want(w.confirm(owner, pending), http.StatusOK, "")
	w.Want(w.get(guest, on), http.StatusOK, "")
	w.Want(w.download(guest, on), http.StatusOK, "")
	w.Want(w.rename(guest, on, "x.pdf", "*"), http.StatusOK, "")
	own := read(w, w.create(guest, apitest.Request{Body: announce(on.ParentID, nil)}))
	w.takeOff(owner, guest, on.ParentID)
	refused(on)
	refused(own)
}
