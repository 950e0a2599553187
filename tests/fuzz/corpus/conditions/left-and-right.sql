left(objectId, 5) = 'ZTF18' OR right(objectId, 1) = 'a'
