"""GitHub's part on this machine: the receiver that answers the endpoints Penstock uses, and the client of those endpoints.

`state` keeps what GitHub would (repositories, comments, workflow runs), `dispatcher` runs workflows under act,
`receiver` is the HTTP side, `client` is what `penstock ci comment` talks through, to github.com as well.
"""
