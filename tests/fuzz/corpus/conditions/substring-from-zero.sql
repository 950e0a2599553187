substr(objectId, 0, 3) = 'ZTF'
