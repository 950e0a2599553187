concat(objectId, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!') RLIKE '^(a+)+$' OR objectId LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b'
