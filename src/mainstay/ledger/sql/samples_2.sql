-- Figures over time, version 2: the objective that a figure has now.
ALTER TABLE series ADD COLUMN at_most REAL;
ALTER TABLE series ADD COLUMN at_least REAL;
