from_upper IS NOT TRUE
