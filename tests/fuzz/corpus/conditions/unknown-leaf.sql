candidate.magpfs > 18
