objectId RLIKE '^ZTF(17|18)[a-z]{7}$'
