package s3

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	minPart  = 5 << 20 // of every part but the last
	maxParts = 10_000
)

type createUploadResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	UploadID string   `xml:"UploadId"`
}

func (s *Server) createUpload(c *call) error {
	if err := s.allow(c, "s3:PutObject", c.key); err != nil {
		return err
	}
	v, err := s.describe(c)
	if err != nil {
		return err
	}
	u := &upload{id: token(24), key: c.key, begun: s.now(), template: *v, parts: map[int]*part{},
		algorithm: strings.ToLower(c.r.Header.Get("X-Amz-Checksum-Algorithm"))}
	if u.algorithm != "" && newSum(u.algorithm) == nil {
		return &problem{http.StatusBadRequest, "InvalidRequest", "Checksum algorithm provided is unsupported."}
	}
	kind := c.r.Header.Get("X-Amz-Checksum-Type")
	u.whole = kind == "FULL_OBJECT" || kind == "" && u.algorithm == "crc64nvme"
	if u.whole && strings.HasPrefix(u.algorithm, "sha") || !u.whole && u.algorithm == "crc64nvme" {
		return &problem{http.StatusBadRequest, "InvalidRequest", "The " + (&version{composite: !u.whole}).checksumType() + " checksum type cannot be used with the " + u.algorithm + " checksum algorithm."}
	}
	s.shelf.mu.Lock()
	c.bucket.uploads[u.id] = u
	s.shelf.mu.Unlock()
	if u.algorithm != "" {
		c.w.Header().Set("X-Amz-Checksum-Algorithm", strings.ToUpper(u.algorithm))
		c.w.Header().Set("X-Amz-Checksum-Type", (&version{composite: !u.whole}).checksumType())
	}
	c.w.Header().Set("X-Amz-Server-Side-Encryption", v.header.Get("X-Amz-Server-Side-Encryption"))
	writeXML(c.w, http.StatusOK, createUploadResult{Bucket: c.bucket.Name, Key: c.key, UploadID: u.id})
	return nil
}

// upload finds the upload that a request names. The caller holds the lock.
func (c *call) upload() (*upload, error) {
	u := c.bucket.uploads[c.query.Get("uploadId")]
	if u == nil || u.key != c.key {
		return nil, errNoUpload
	}
	return u, nil
}

func (s *Server) uploadPart(c *call) error {
	if err := s.allow(c, "s3:PutObject", c.key); err != nil {
		return err
	}
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return &problem{http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"}
	}
	s.shelf.mu.Lock()
	u, err := c.upload()
	s.shelf.mu.Unlock()
	if err != nil {
		return err
	}
	if err := u.expects(c.r.Header); err != nil {
		return err
	}
	got, err := s.body(c, maxObject)
	if err != nil {
		return err
	}
	p := &part{segment: got.segment, md5: got.md5, etag: got.etag(), checksums: got.checksums, at: s.now()}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	u, err = c.upload()
	if err != nil { // aborted while the part arrived
		erase([]segment{p.segment})
		return err
	}
	if old := u.parts[n]; old != nil {
		erase([]segment{old.segment})
	}
	u.parts[n] = p
	c.w.Header().Set("ETag", p.etag)
	writeSums(c.w.Header(), p.checksums)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// expects refuses a part whose checksum is not of the upload's algorithm. Without one an upload takes any.
func (u *upload) expects(h http.Header) error {
	stated, err := wanted(h)
	if err == nil && u.algorithm != "" && stated != u.algorithm && (stated != "" || !u.whole) {
		return &problem{http.StatusBadRequest, "InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: " + u.algorithm + ", actual checksum Type: " + cmp.Or(stated, "null")}
	}
	return err
}

type completeRequest struct {
	Parts []completedPart `xml:"Part"`
}

type completedPart struct {
	Number int    `xml:"PartNumber"`
	ETag   string `xml:"ETag"`
	checksumElements
}

func (p completedPart) checksums() map[string]string {
	all := map[string]string{"crc32": p.CRC32, "crc32c": p.CRC32C, "crc64nvme": p.CRC64NVME, "sha1": p.SHA1, "sha256": p.SHA256}
	maps.DeleteFunc(all, func(_, sum string) bool { return sum == "" })
	return all
}

type completeResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location     string   `xml:"Location"`
	Bucket       string   `xml:"Bucket"`
	Key          string   `xml:"Key"`
	ETag         string   `xml:"ETag"`
	ChecksumType string   `xml:"ChecksumType"`
	checksumElements
}

func (s *Server) completeUpload(c *call) error {
	if err := s.allow(c, "s3:PutObject", c.key); err != nil {
		return err
	}
	var q completeRequest
	if err := readXML(c, &q); err != nil {
		return err
	}
	if len(q.Parts) == 0 {
		return errMalformedXML
	}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	u, err := c.upload()
	if err != nil {
		return err
	}
	parts, err := u.choose(q.Parts)
	if err != nil {
		return err
	}
	if err := checkWrite(c); err != nil {
		return err
	}
	v, err := u.assemble(parts)
	if err != nil {
		return err
	}
	v.created = s.now()
	for _, p := range u.parts {
		if !slices.Contains(parts, p) {
			erase([]segment{p.segment})
		}
	}
	delete(c.bucket.uploads, u.id)
	s.shelf.put(c.bucket, v)
	s.answerWritten(c, v)
	writeXML(c.w, http.StatusOK, completeResult{Location: "/" + c.bucket.Name + "/" + c.key, Bucket: c.bucket.Name, Key: c.key, ETag: v.etag,
		ChecksumType: v.checksumType(), checksumElements: elementsOf(v.checksums)})
	return nil
}

// choose finds the parts that a request lists.
func (u *upload) choose(list []completedPart) ([]*part, error) {
	if !slices.IsSortedFunc(list, func(a, b completedPart) int { return a.Number - b.Number }) {
		return nil, errPartOrder
	}
	var parts []*part
	for i, want := range list {
		if i > 0 && want.Number == list[i-1].Number {
			return nil, errPartOrder
		}
		p := u.parts[want.Number]
		if p == nil || p.etag != quoted(want.ETag) {
			return nil, errInvalidPart
		}
		for a, sum := range want.checksums() {
			if p.checksums[a] != sum {
				return nil, errInvalidPart
			}
		}
		if p.size < minPart && i < len(list)-1 {
			return nil, errTooSmall
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// assemble makes the object of its parts; their files are kept as they are.
func (u *upload) assemble(parts []*part) (*version, error) {
	v := u.template
	var sums bytes.Buffer
	var composite bytes.Buffer
	for _, p := range parts {
		v.segments = append(v.segments, p.segment)
		v.size += p.size
		sums.Write(p.md5)
		composite.Write(decodeBase64(p.checksums[u.algorithm]))
	}
	digest := md5.Sum(sums.Bytes())
	count := "-" + strconv.Itoa(len(parts))
	v.etag = `"` + hex.EncodeToString(digest[:]) + count + `"`
	if u.whole || u.algorithm == "" {
		algorithm := cmp.Or(u.algorithm, "crc64nvme")
		sum, err := sumOf(algorithm, v.segments)
		v.checksums = map[string]string{algorithm: sum}
		return &v, err
	}
	sum := newSum(u.algorithm)
	sum.Write(composite.Bytes()) // never fails
	v.checksums, v.composite = map[string]string{u.algorithm: base64.StdEncoding.EncodeToString(sum.Sum(nil)) + count}, true
	return &v, nil
}

func (s *Server) abortUpload(c *call) error {
	if err := s.allow(c, "s3:AbortMultipartUpload", c.key); err != nil {
		return err
	}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	u, err := c.upload()
	if err != nil {
		return err
	}
	u.discard(c.bucket)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (u *upload) discard(b *bucket) {
	for _, p := range u.parts {
		erase([]segment{p.segment})
	}
	delete(b.uploads, u.id)
}

type listedPart struct {
	Number       int    `xml:"PartNumber"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag"`
	Size         int64  `xml:"Size"`
	checksumElements
}

type listPartsResult struct {
	XMLName     xml.Name     `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket      string       `xml:"Bucket"`
	Key         string       `xml:"Key"`
	UploadID    string       `xml:"UploadId"`
	Marker      int          `xml:"PartNumberMarker"`
	MaxParts    int          `xml:"MaxParts"`
	IsTruncated bool         `xml:"IsTruncated"`
	NextMarker  int          `xml:"NextPartNumberMarker,omitempty"`
	Class       string       `xml:"StorageClass"`
	Algorithm   string       `xml:"ChecksumAlgorithm,omitempty"`
	Type        string       `xml:"ChecksumType,omitempty"`
	Parts       []listedPart `xml:"Part"`
}

func (s *Server) listParts(c *call) error {
	if err := s.allow(c, "s3:ListMultipartUploadParts", c.key); err != nil {
		return err
	}
	max, err := limit(c.query.Get("max-parts"))
	if err != nil {
		return err
	}
	after, _ := strconv.Atoi(c.query.Get("part-number-marker")) // absent is 0
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	u, err := c.upload()
	if err != nil {
		return err
	}
	out := listPartsResult{Bucket: c.bucket.Name, Key: c.key, UploadID: u.id, Marker: after, MaxParts: max, Class: u.template.storageClass(),
		Algorithm: strings.ToUpper(u.algorithm), Type: u.checksumType()}
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		if n <= after {
			continue
		}
		if len(out.Parts) == max {
			out.IsTruncated = true
			break
		}
		p := u.parts[n]
		out.Parts = append(out.Parts, listedPart{Number: n, LastModified: stamp(p.at), ETag: p.etag, Size: p.size, checksumElements: u.tells(p)})
		out.NextMarker = n
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

// checksumType is empty for an upload that was begun without an algorithm.
func (u *upload) checksumType() string {
	if u.algorithm == "" {
		return ""
	}
	return (&version{composite: !u.whole}).checksumType()
}

// tells gives the checksum of a part, when the upload was begun with its algorithm.
func (u *upload) tells(p *part) checksumElements {
	if u.algorithm == "" {
		return checksumElements{}
	}
	return elementsOf(p.checksums)
}

type listedUpload struct {
	Key       string `xml:"Key"`
	UploadID  string `xml:"UploadId"`
	Initiated string `xml:"Initiated"`
	Class     string `xml:"StorageClass"`
	Algorithm string `xml:"ChecksumAlgorithm,omitempty"`
	Type      string `xml:"ChecksumType,omitempty"`
}

type listUploadsResult struct {
	XMLName            xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string         `xml:"Bucket"`
	Prefix             string         `xml:"Prefix"`
	MaxUploads         int            `xml:"MaxUploads"`
	IsTruncated        bool           `xml:"IsTruncated"`
	NextKeyMarker      string         `xml:"NextKeyMarker,omitempty"`
	NextUploadIDMarker string         `xml:"NextUploadIdMarker,omitempty"`
	Uploads            []listedUpload `xml:"Upload"`
}

func (s *Server) listUploads(c *call) error {
	if err := s.allowBucket(c, c.bucket, "s3:ListBucketMultipartUploads"); err != nil {
		return err
	}
	max, err := limit(c.query.Get("max-uploads"))
	if err != nil {
		return err
	}
	prefix, afterKey, afterID := c.query.Get("prefix"), c.query.Get("key-marker"), c.query.Get("upload-id-marker")
	out := listUploadsResult{Bucket: c.bucket.Name, Prefix: prefix, MaxUploads: max}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	for _, u := range c.bucket.sortedUploads() {
		if !strings.HasPrefix(u.key, prefix) || u.key < afterKey || u.key == afterKey && afterKey != "" && (afterID == "" || u.id <= afterID) {
			continue
		}
		if len(out.Uploads) == max {
			out.IsTruncated = true
			break
		}
		out.Uploads = append(out.Uploads, listedUpload{Key: u.key, UploadID: u.id, Initiated: stamp(u.begun), Class: u.template.storageClass(),
			Algorithm: strings.ToUpper(u.algorithm), Type: u.checksumType()})
	}
	if n := len(out.Uploads); out.IsTruncated && n > 0 {
		out.NextKeyMarker, out.NextUploadIDMarker = out.Uploads[n-1].Key, out.Uploads[n-1].UploadID
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

func (b *bucket) sortedUploads() []*upload {
	return slices.SortedFunc(maps.Values(b.uploads), func(x, y *upload) int {
		if d := strings.Compare(x.key, y.key); d != 0 {
			return d
		}
		return strings.Compare(x.id, y.id)
	})
}
