package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const maxPage = 1000

type commonPrefix struct {
	Prefix string `xml:"Prefix"`
}

type listedObject struct {
	Key          string   `xml:"Key"`
	LastModified string   `xml:"LastModified"`
	ETag         string   `xml:"ETag"`
	Algorithm    []string `xml:"ChecksumAlgorithm,omitempty"`
	Type         string   `xml:"ChecksumType,omitempty"`
	Size         int64    `xml:"Size"`
	StorageClass string   `xml:"StorageClass"`
}

type listResult struct {
	XMLName               xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string         `xml:"Name"`
	Prefix                string         `xml:"Prefix"`
	Delimiter             string         `xml:"Delimiter,omitempty"`
	StartAfter            string         `xml:"StartAfter,omitempty"`
	EncodingType          string         `xml:"EncodingType,omitempty"`
	MaxKeys               int            `xml:"MaxKeys"`
	KeyCount              int            `xml:"KeyCount"`
	IsTruncated           bool           `xml:"IsTruncated"`
	ContinuationToken     string         `xml:"ContinuationToken,omitempty"`
	NextContinuationToken string         `xml:"NextContinuationToken,omitempty"`
	Contents              []listedObject `xml:"Contents"`
	CommonPrefixes        []commonPrefix `xml:"CommonPrefixes"`
}

// walk is one page through the keys of a bucket.
type walk struct {
	prefix, delimiter string
	encode            func(string) string
	max, count        int
	prefixes          []commonPrefix
	last              string
}

func newWalk(c *call) (*walk, error) {
	max, err := limit(c.query.Get("max-keys"))
	if err != nil {
		return nil, err
	}
	w := &walk{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter"), max: max, encode: func(s string) string { return s }}
	switch c.query.Get("encoding-type") {
	case "":
	case "url":
		w.encode = func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }
	default:
		return nil, &problem{http.StatusBadRequest, "InvalidArgument", "Invalid Encoding Method specified in Request"}
	}
	return w, nil
}

// limit reads a page's size.
func limit(text string) (int, error) {
	if text == "" {
		return maxPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, &problem{http.StatusBadRequest, "InvalidArgument", "Provided max-keys not an integer or within integer range"}
	}
	return min(n, maxPage), nil
}

// group gives the common prefix that a key falls under, empty when it is listed itself.
func (w *walk) group(key string) string {
	if w.delimiter == "" {
		return ""
	}
	rest := key[len(w.prefix):]
	if i := strings.Index(rest, w.delimiter); i >= 0 {
		return key[:len(w.prefix)+i+len(w.delimiter)]
	}
	return ""
}

// addGroup counts a common prefix once. It says false when the page is full.
func (w *walk) addGroup(group string) bool {
	if n := len(w.prefixes); n > 0 && w.prefixes[n-1].Prefix == w.encode(group) {
		return true
	}
	if w.count == w.max {
		return false
	}
	w.prefixes = append(w.prefixes, commonPrefix{w.encode(group)})
	w.count++
	w.last = group
	return true
}

// listObjects answers ListObjectsV2: the current versions by key.
func (s *Server) listObjects(c *call) error {
	if err := s.allowBucket(c, c.bucket, "s3:ListBucket"); err != nil {
		return err
	}
	w, err := newWalk(c)
	if err != nil {
		return err
	}
	after := c.query.Get("start-after")
	if t := c.query.Get("continuation-token"); t != "" {
		plain, err := base64.RawURLEncoding.DecodeString(t)
		if err != nil {
			return &problem{http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect"}
		}
		after = string(plain)
	}
	out := listResult{Name: c.bucket.Name, Prefix: w.encode(w.prefix), Delimiter: w.encode(w.delimiter), MaxKeys: w.max,
		StartAfter: w.encode(c.query.Get("start-after")), EncodingType: c.query.Get("encoding-type"), ContinuationToken: c.query.Get("continuation-token")}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(c.bucket.objects)) {
		v := c.bucket.current(key)
		if v == nil || !strings.HasPrefix(key, w.prefix) || key <= after {
			continue
		}
		if group := w.group(key); group != "" {
			if group <= after {
				continue
			}
			if out.IsTruncated = !w.addGroup(group); out.IsTruncated {
				break
			}
			continue
		}
		if out.IsTruncated = w.count == w.max; out.IsTruncated {
			break
		}
		out.Contents = append(out.Contents, w.entry(v))
		w.count++
		w.last = key
	}
	out.KeyCount, out.CommonPrefixes = w.count, w.prefixes
	if out.IsTruncated && w.max > 0 {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(w.last))
	} else {
		out.IsTruncated = false
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

func (w *walk) entry(v *version) listedObject {
	o := listedObject{Key: w.encode(v.key), LastModified: stamp(v.created), ETag: v.etag, Size: v.size, StorageClass: v.storageClass()}
	o.Algorithm, o.Type = v.algorithms(), v.checksumType()
	return o
}

func (v *version) algorithms() (all []string) {
	for _, a := range slices.Sorted(maps.Keys(v.checksums)) {
		all = append(all, strings.ToUpper(a))
	}
	return all
}

func (v *version) storageClass() string {
	if class := v.header.Get("X-Amz-Storage-Class"); class != "" {
		return class
	}
	return "STANDARD"
}

type listedVersion struct {
	XMLName      xml.Name
	Key          string   `xml:"Key"`
	VersionID    string   `xml:"VersionId"`
	IsLatest     bool     `xml:"IsLatest"`
	LastModified string   `xml:"LastModified"`
	ETag         string   `xml:"ETag,omitempty"`
	Size         *int64   `xml:"Size,omitempty"`
	StorageClass string   `xml:"StorageClass,omitempty"`
	Algorithm    []string `xml:"ChecksumAlgorithm,omitempty"`
	Type         string   `xml:"ChecksumType,omitempty"`
}

type listVersionsResult struct {
	XMLName             xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string          `xml:"Name"`
	Prefix              string          `xml:"Prefix"`
	Delimiter           string          `xml:"Delimiter,omitempty"`
	EncodingType        string          `xml:"EncodingType,omitempty"`
	KeyMarker           string          `xml:"KeyMarker"`
	VersionIDMarker     string          `xml:"VersionIdMarker"`
	NextKeyMarker       string          `xml:"NextKeyMarker,omitempty"`
	NextVersionIDMarker string          `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int             `xml:"MaxKeys"`
	IsTruncated         bool            `xml:"IsTruncated"`
	Versions            []listedVersion // Version and DeleteMarker elements, named one by one
	CommonPrefixes      []commonPrefix  `xml:"CommonPrefixes"`
}

// listVersions answers ListObjectVersions: every version and delete marker by key, newest first.
func (s *Server) listVersions(c *call) error {
	if err := s.allowBucket(c, c.bucket, "s3:ListBucketVersions"); err != nil {
		return err
	}
	w, err := newWalk(c)
	if err != nil {
		return err
	}
	keyMarker, idMarker := c.query.Get("key-marker"), c.query.Get("version-id-marker")
	switch {
	case idMarker == "":
	case keyMarker == "":
		return &problem{http.StatusBadRequest, "InvalidArgument", "A version-id marker cannot be specified without a key marker."}
	case !isVersion(idMarker):
		return errVersionID
	}
	out := listVersionsResult{Name: c.bucket.Name, Prefix: w.encode(w.prefix), Delimiter: w.encode(w.delimiter), MaxKeys: w.max,
		EncodingType: c.query.Get("encoding-type"), KeyMarker: w.encode(keyMarker), VersionIDMarker: idMarker}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	lastID := ""
keys:
	for _, key := range slices.Sorted(maps.Keys(c.bucket.objects)) {
		if !strings.HasPrefix(key, w.prefix) || key < keyMarker || key == keyMarker && idMarker == "" && keyMarker != "" {
			continue
		}
		if group := w.group(key); group != "" {
			if group <= keyMarker {
				continue
			}
			if out.IsTruncated = !w.addGroup(group); out.IsTruncated {
				break
			}
			lastID = ""
			continue
		}
		for i, v := range slices.Backward(c.bucket.objects[key]) {
			if key == keyMarker && v.id >= idMarker { // the marker's version may be gone by now
				continue
			}
			if out.IsTruncated = w.count == w.max; out.IsTruncated {
				break keys
			}
			out.Versions = append(out.Versions, w.version(v, i == len(c.bucket.objects[key])-1))
			w.count++
			w.last, lastID = key, v.id
		}
	}
	out.CommonPrefixes = w.prefixes
	if out.IsTruncated = out.IsTruncated && w.max > 0; out.IsTruncated {
		out.NextKeyMarker, out.NextVersionIDMarker = w.encode(w.last), lastID
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

func (w *walk) version(v *version, latest bool) listedVersion {
	l := listedVersion{XMLName: xml.Name{Local: "Version"}, Key: w.encode(v.key), VersionID: v.id, IsLatest: latest, LastModified: stamp(v.created)}
	if v.marker {
		l.XMLName.Local = "DeleteMarker"
		return l
	}
	l.ETag, l.Size, l.StorageClass, l.Algorithm, l.Type = v.etag, &v.size, v.storageClass(), v.algorithms(), v.checksumType()
	return l
}
