"""What the sky would show: SSP libraries, dust, kinematics, photometry, noise, forward model."""
