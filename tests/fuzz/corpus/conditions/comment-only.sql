-- nothing
;;
/* a */