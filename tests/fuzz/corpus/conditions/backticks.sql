`candidate`.`magpsf` > 18
